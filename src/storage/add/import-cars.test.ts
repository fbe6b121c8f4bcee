import assert from 'node:assert/strict';
import { createReadStream } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import fc from 'fast-check';
import { CID } from 'multiformats/cid';
import { carOf, carV2Of } from '../car/car.test-util.ts';
import { carHeader, sectionHead } from '../car/write-car.ts';
import { DIRECTORY, node, randomBlock, startStorage, tempDir } from '../storage.test-util.ts';

const leaves = [randomBlock(1000), randomBlock(200_000)];
const root = node(DIRECTORY, leaves.map(({ cid, bytes }, i) => ({ Name: `file-${i}`, Hash: cid, Tsize: bytes.length })));
const whole = new Uint8Array(carOf(root.cid, [root, ...leaves]));

/** Bytes in pieces, as a pipe may have them. */
async function* pieces(bytes: Uint8Array, size = 777): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.slice(at, at + size);
}

async function offline(t: TestContext, init = {}) {
  const { storage } = await startStorage(t, { offline: true, ...init });
  const dir = await tempDir(t);
  const file = async (bytes: Uint8Array, name = 'data.car') => {
    await writeFile(join(dir, name), bytes);
    return join(dir, name);
  };
  return { storage, dir, file };
}

test('a CAR of either version, from a file or as it comes, is kept and survives a collection', async (t) => {
  const ways: Uint8Array[] = [whole, carV2Of(root.cid, [root, ...leaves]), carV2Of(root.cid, [root, ...leaves], 'multihash'), carOf(root.cid, [...leaves, leaves[0]!, root])];
  for (const car of ways) {
    const { storage, file } = await offline(t);
    for (const input of [await file(car), pieces(car), pieces(car, 1 << 20)]) {
      const told: number[] = [];
      const imported = await storage.importCars([input], { onProgress: ({ blocks }) => told.push(blocks) });
      assert.deepEqual(imported.roots.map(({ cid, blocks }) => [cid.toString(), blocks]), [[root.cid.toString(), 3]]);
      assert.equal(told.at(-1), imported.blocks);
      assert.equal((await storage.collect()).blocks, 0);
      assert.deepEqual((await storage.holdings()).map(({ cid, why }) => [cid, why]), [[root.cid.toString(), 'added']]);
      assert.equal((await storage.locality(root.cid)).share, 1);
      await storage.remove(root.cid);
      assert.equal((await storage.collect()).blocks, 3);
    }
  }
});

test('what one node exports another imports; a damaged block here is replaced', async (t) => {
  const a = await offline(t);
  const { cid } = await a.storage.addTree([{ path: 'a/b', source: Buffer.alloc(3 << 20, 7) }, { path: 'c', source: Buffer.from('c') }]);
  await a.storage.exportCar(cid, join(a.dir, 'out.car'));
  const b = await startStorage(t, { offline: true });
  await b.storage.importCars([createReadStream(join(a.dir, 'out.car'))]);
  assert.equal((await b.storage.locality(cid)).share, 1);
  await b.storage.importCars([join(a.dir, 'out.car')]);
  assert.deepEqual((await b.storage.ls(cid)).map(({ name }) => name), ['a', 'c']);
});

test('several CARs may each have a part of a DAG; what none has is missed, and told of', async (t) => {
  const { storage, file } = await offline(t);
  const [first, second] = [await file(carOf(root.cid, [root, leaves[0]!]), '1.car'), await file(carOf(leaves[1]!.cid, [leaves[1]!]), '2.car')];
  await assert.rejects(storage.importCars([first]), { code: 'NOT_FOUND', details: new RegExp(root.cid.toString()) });
  assert.deepEqual(await storage.holdings(), []);
  const { roots } = await storage.importCars([first, second]);
  assert.deepEqual(roots.map(({ cid }) => cid.toString()), [root.cid.toString(), leaves[1]!.cid.toString()]);
});

test('hostile CARs end with an error that names them, and nothing of them is held', async (t) => {
  const other = randomBlock(50);
  const header = carHeader(root.cid);
  const cbor = CID.createV1(0x71, root.cid.multihash);
  const long = CID.decode(Uint8Array.of(1, 0x55, 0, 0xc8, 1, ...new Uint8Array(200)));
  const v2 = Buffer.from(carV2Of(root.cid, [root, ...leaves]));
  const edited = (change: (bytes: Buffer) => void) => { const bytes = Buffer.from(v2); change(bytes); return bytes; };
  const cases: [string, Uint8Array, string][] = [
    ['empty', new Uint8Array(), 'CAR_INVALID'],
    ['no CAR', Buffer.from('something else, of no length that makes sense'), 'CAR_INVALID'],
    ['a header of 200 MiB', Buffer.from('ffffff6f00', 'hex'), 'CAR_INVALID'],
    ['a length without end', Buffer.alloc(20, 0xff), 'CAR_INVALID'],
    ['no roots', Buffer.from('11a265726f6f7473806776657273696f6e01', 'hex'), 'CAR_INVALID'],
    ['version 3', Buffer.from('0aa16776657273696f6e03', 'hex'), 'CAR_INVALID'],
    ['a root of another codec', carOf(cbor, [root]), 'FORMAT_UNSUPPORTED'],
    ['cut off within a block', whole.subarray(0, -10), 'STREAM_CUT'],
    ['other bytes', carOf(root.cid, [root, { cid: leaves[0]!.cid, bytes: other.bytes }]), 'BLOCK_INVALID'],
    ['a section of 100 MiB', Buffer.concat([header, Buffer.from('80808032', 'hex')]), 'BLOCK_TOO_LARGE'],
    ['an identity CID over the limit', Buffer.concat([header, sectionHead(long, 0)]), 'CAR_INVALID'],
    ['a section without a CID', Buffer.concat([header, Buffer.from('03000000', 'hex')]), 'CAR_INVALID'],
    ['version 2, its data before its end', edited((bytes) => bytes.writeBigUInt64LE(3n, 27)), 'CAR_INVALID'],
    ['version 2, its data beyond its end', edited((bytes) => bytes.writeBigUInt64LE(2n ** 63n, 27)), 'STREAM_CUT'],
    ['version 2, more data than there is', edited((bytes) => bytes.writeBigUInt64LE(2n ** 40n, 35)), 'STREAM_CUT'],
    ['version 2, no data', edited((bytes) => bytes.writeBigUInt64LE(0n, 35)), 'CAR_INVALID'],
    ['version 2 in version 2', edited((bytes) => Buffer.from('0aa16776657273696f6e02', 'hex').copy(bytes, 51)), 'CAR_INVALID'],
  ];
  const { storage, file } = await offline(t);
  for (const [name, car, code] of cases) {
    const path = await file(car);
    await assert.rejects(storage.importCars([path]), { code, details: new RegExp(`^${path}`) }, name);
    await assert.rejects(storage.importCars([pieces(car, 7)]), { code }, `${name}, as it comes`);
  }
  assert.deepEqual(await storage.holdings(), []);
  for (const path of ['/dev/zero', '/nowhere/at/all', '/tmp']) await assert.rejects(storage.importCars([path]), { code: 'SOURCE_INVALID' }, path);
});

test('no bytes do anything but be imported or refused', async (t) => {
  const { storage } = await offline(t);
  await fc.assert(fc.asyncProperty(fc.array(fc.record({ at: fc.nat(whole.length - 1), byte: fc.nat(255) }), { minLength: 1, maxLength: 4 }), fc.nat(300), async (changes, cut) => {
    const car = whole.slice(0, whole.length - cut);
    // Most of it in what is not merely bytes of a block.
    for (const { at, byte } of changes) car[at % 2 === 0 ? at % 400 : at % car.length] = byte;
    await storage.importCars([pieces(car, 30_000)]).then(
      ({ roots }) => assert.ok(roots.length > 0),
      (error: { name: string }) => assert.equal(error.name, 'StorageError', String(error)),
    );
  }), { numRuns: 100 });
});

test('whoever interrupts an import, or a source that breaks, leaves nothing held, and the source is told', async (t) => {
  const { storage } = await offline(t);
  const controller = new AbortController();
  const told = Promise.withResolvers<void>();
  async function* endless(): AsyncGenerator<Uint8Array> {
    try {
      yield whole.slice(0, 600);
      controller.abort(new Error('enough'));
      yield whole.slice(600, 700);
      yield whole.slice(700);
    } finally {
      told.resolve();
    }
  }
  await assert.rejects(storage.importCars([endless()], { signal: controller.signal }), /enough/);
  await told.promise;
  await assert.rejects(storage.importCars([(async function* broken() { yield whole.slice(0, 600); throw new Error('the pipe broke'); })()]), /the pipe broke/);
  assert.deepEqual(await storage.holdings(), []);
});

test('what comes is added as the file it would be, by itself or under a name', async (t) => {
  const { storage, file } = await offline(t);
  for (const size of [0, 1, 1 << 20, (1 << 20) + 1, 5 << 20]) {
    const bytes = randomBlock(size).bytes;
    const added = await storage.addBytes(pieces(bytes, 100_001));
    assert.equal(added.cid.toString(), (await storage.add(await file(bytes))).cid.toString(), `${size} bytes`);
    const named = await storage.addBytes(pieces(bytes, 65_536), { name: 'data.bin' });
    assert.equal(named.cid.toString(), (await storage.addTree([{ path: 'data.bin', source: bytes }])).cid.toString());
  }
  await assert.rejects(storage.addBytes(pieces(whole), { name: '../up' }), { code: 'SOURCE_INVALID' });
  const before = (await storage.holdings()).length;
  await assert.rejects(storage.addBytes((async function* broken() { yield whole; throw new Error('the pipe broke'); })()), /the pipe broke/);
  assert.equal((await storage.holdings()).length, before);
});

test('a disk that is nearly full takes neither', async (t) => {
  const { storage } = await offline(t, { limits: { reserveBytes: 2 ** 60 } });
  await assert.rejects(storage.importCars([pieces(whole)]), { code: 'DISK_FULL' });
  await assert.rejects(storage.addBytes(pieces(whole)), { code: 'DISK_FULL' });
});
