import assert from 'node:assert/strict';
import { appendFile, mkdir, rename, rm, truncate, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import fc from 'fast-check';
import { CID } from 'multiformats/cid';
import { identity } from 'multiformats/hashes/identity';
import type { ByteReader } from '../shelf/byte-reader.ts';
import { DIRECTORY, node, randomBlock, startStorage, tempDir } from '../storage.test-util.ts';
import { carOf, carV2Of } from './car.test-util.ts';
import { readCarHeader } from './read-header.ts';
import { readCarIndex } from './read-index.ts';
import { scanCar } from './scan-car.ts';
import { carHeader, sectionHead } from './write-car.ts';
import { readVarint, writeVarint } from './varint.ts';

const signal = new AbortController().signal;

function readerOf(bytes: Uint8Array): ByteReader {
  return { size: bytes.length, read: async (offset, length) => bytes.slice(offset, offset + length) };
}

async function scan(bytes: Uint8Array): Promise<{ cids: string[]; skipped: string[]; error: string | undefined }> {
  const [cids, skipped]: string[][] = [[], []];
  let error: string | undefined;
  try {
    const { payload, sectionsStart } = await readCarHeader(readerOf(bytes));
    for await (const { cid, offset, length } of scanCar(payload, sectionsStart, { onSkip: (why) => skipped!.push(why) })) {
      cids!.push(cid.toString());
      assert.ok(offset + length <= payload.size);
    }
  } catch (thrown) {
    assert.equal((thrown as { code?: string }).code, 'CAR_INVALID', String(thrown));
    error = (thrown as Error).message;
  }
  return { cids: cids!, skipped: skipped!, error };
}

test('varints: there and back; bombs and waste are refused', () => {
  fc.assert(fc.property(fc.nat({ max: Number.MAX_SAFE_INTEGER }), (value) => {
    const bytes = writeVarint(value);
    assert.deepEqual(readVarint(bytes, 0), { value, next: bytes.length });
    assert.equal(readVarint(bytes.subarray(0, -1), 0), undefined);
  }));
  for (const hex of ['ffffffffffffffffff01', 'ffffffffffffff7f'.replace('7f', 'ff7f'), '8000']) {
    assert.throws(() => readVarint(Buffer.from(hex, 'hex'), 0), { code: 'CAR_INVALID' }, hex);
  }
});

test('sections of both versions, small and large, duplicates among them', async () => {
  const blocks = [randomBlock(10), randomBlock(0), randomBlock(200_000), randomBlock(70_000), randomBlock(1 << 20), randomBlock(3)];
  const all = [...blocks, blocks[0]!];
  const expected = all.map(({ cid }) => cid.toString());
  for (const car of [carOf(blocks[0]!.cid, all), carV2Of(blocks[0]!.cid, all)]) {
    assert.deepEqual(await scan(car), { cids: expected, skipped: [], error: undefined });
    const header = await readCarHeader(readerOf(car));
    assert.deepEqual(header.roots.map(String), [expected[0]]);
  }
  // Zeros after the last section are padding.
  assert.deepEqual((await scan(Buffer.concat([carOf(blocks[0]!.cid, all), Buffer.alloc(1000)]))).cids, expected);
});

test('hostile CARs: what is whole is found, the rest is skipped or ends the scan, typed', async () => {
  const [a, b] = [randomBlock(), randomBlock()];
  const good = carOf(a.cid, [a, b]);
  const one = carOf(a.cid, [a]);
  const raw = (cid: Uint8Array, length: number) => Buffer.concat([writeVarint(cid.length + length), cid, Buffer.alloc(length)]);
  const longIdentity = CID.createV1(0x55, identity.digest(new Uint8Array(200)));
  const hugeIdentity = CID.createV1(0x55, identity.digest(new Uint8Array(5000)));
  const cases: [string, Uint8Array, number, RegExp | undefined, RegExp | undefined][] = [
    ['truncated in a block', good.subarray(0, -1), 1, /truncated/, undefined],
    ['truncated in a head', good.subarray(0, one.length + 3), 1, /damaged/, undefined],
    ['truncated in a length', Buffer.concat([one, Buffer.from([0x80])]), 1, /damaged/, undefined],
    ['section longer than the file', Buffer.concat([one, writeVarint(2 ** 50), b.cid.bytes]), 1, /truncated/, undefined],
    ['varint bomb', Buffer.concat([one, Buffer.alloc(1000, 0xff)]), 1, /too large/, undefined],
    ['garbage for a CID', Buffer.concat([one, Buffer.from([40]), Buffer.alloc(40, 0xee)]), 1, /damaged/, undefined],
    ['a block over the limit', Buffer.concat([one, raw(b.cid.bytes, (2 << 20) + 1), sectionHead(b.cid, b.bytes.length), b.bytes]), 2, undefined, /a block of 2097153 bytes/],
    ['an identity CID over the limit', Buffer.concat([one, raw(longIdentity.bytes, 0), sectionHead(b.cid, b.bytes.length), b.bytes]), 2, undefined, /identity CID of 200 bytes/],
    ['an identity CID longer than any head', Buffer.concat([one, raw(hugeIdentity.bytes, 0), sectionHead(b.cid, b.bytes.length), b.bytes]), 2, undefined, /identity CID over the limit/],
    ['nothing', new Uint8Array(), 0, /no header/, undefined],
    ['an empty header', new Uint8Array([0]), 0, /no header/, undefined],
    ['a header of 2 GiB', writeVarint(2 ** 31), 0, /header of 2147483648/, undefined],
    ['a header cut off', carHeader(a.cid).subarray(0, 20), 0, /ends within its header/, undefined],
    ['a header that is not CBOR', Buffer.concat([writeVarint(5), Buffer.alloc(5, 0xff)]), 0, /not a valid CAR/, undefined],
    ['a version that is CBOR\'s own break', Buffer.from('0aa16776657273696f6eff', 'hex'), 0, /not a valid CAR/, undefined],
    ['version 3', Buffer.from('0aa16776657273696f6e03', 'hex'), 0, /version 3/, undefined],
    ['version 2 without its header', Buffer.from('0aa16776657273696f6e02', 'hex'), 0, /ends within/, undefined],
  ];
  for (const [name, car, found, error, skipped] of cases) {
    const outcome = await scan(car);
    assert.equal(outcome.cids.length, found, name);
    if (error === undefined) assert.equal(outcome.error, undefined, name);
    else assert.match(outcome.error ?? '', error, name);
    if (skipped !== undefined) assert.match(outcome.skipped.join(), skipped, name);
  }
  const v2 = carV2Of(a.cid, [a]);
  for (const [at, value, why] of [[27, 10n, /data begins/], [27, 10_000n, /data begins/], [35, 10_000n, /claims/], [43, 60n, /index begins/], [43, 1_000_000n, /index begins/]] as const) {
    const lying = Buffer.from(v2);
    lying.writeBigUInt64LE(value, at);
    assert.match((await scan(lying)).error ?? '', why);
  }
});

test('headers and indexes made to cost more than they weigh', async () => {
  const [a, b] = [randomBlock(), randomBlock()];
  const withHeader = (header: Uint8Array) => Buffer.concat([writeVarint(header.length), header]);
  // Lists in lists, maps in maps, tags in tags, as deep as a header may be long.
  for (const byte of [0x81, 0xa1, 0xd8]) assert.match((await scan(withHeader(Buffer.alloc(1 << 20, byte)))).error ?? '', /not a valid CAR/);
  // A list that claims four thousand million roots, text that claims as many bytes.
  for (const head of ['a165726f6f74739affffffff', 'a165726f6f74737affffffff']) assert.match((await scan(withHeader(Buffer.from(head, 'hex')))).error ?? '', /not a valid CAR/);

  // An index in which every hash there is lies where the first block is: looked at, and not believed.
  const entries = Array.from({ length: 2_000 }, () => randomBlock(8));
  const car = carV2Of(a.cid, [a, b], 'multihash');
  const header = await readCarHeader(readerOf(car));
  const indexStart = car.length - header.index!.size;
  const records = Buffer.concat(entries.map(({ cid }) => Buffer.concat([cid.multihash.digest, Buffer.from([header.sectionsStart, 0, 0, 0, 0, 0, 0, 0])])));
  const widths = Buffer.alloc(4 + 4 + 8 + 4 + 8);
  widths.writeUInt32LE(1, 0);
  widths.writeBigUInt64LE(0x12n, 4);
  widths.writeUInt32LE(1, 12);
  widths.writeUInt32LE(40, 16);
  widths.writeBigUInt64LE(BigInt(records.length), 20);
  const forged = Buffer.concat([car.subarray(0, indexStart), writeVarint(0x0401), widths, records]);
  const lying = await readCarHeader(readerOf(forged));
  await assert.rejects(readCarIndex({ ...lying, index: lying.index! }), { code: 'CAR_INVALID', message: /another block/ });
  assert.equal((await scan(forged)).cids.length, 2, 'its sections are what counts');
  // Counts of buckets and of hash functions that nothing stands behind.
  for (const at of [2, 14]) {
    const bomb = Buffer.from(forged);
    bomb.writeUInt32LE(0xffff_ffff, indexStart + at);
    const claimed = await readCarHeader(readerOf(bomb));
    await assert.rejects(readCarIndex({ ...claimed, index: claimed.index! }), { code: 'CAR_INVALID' });
  }
});

test('no bytes make the reader do anything but read or refuse', async () => {
  const [a, b] = [randomBlock(), randomBlock(500)];
  const seeds = [carOf(a.cid, [a, b]), carV2Of(a.cid, [a, b], 'multihash')];
  await fc.assert(fc.asyncProperty(fc.constantFrom(...seeds), fc.nat(), fc.uint8Array({ maxLength: 12 }), fc.boolean(), async (seed, at, patch, cut) => {
    const bytes = Buffer.from(seed);
    const place = at % bytes.length;
    bytes.set(patch.subarray(0, bytes.length - place), place);
    await scan(cut ? bytes.subarray(0, place) : bytes);
    const header = await readCarHeader(readerOf(bytes)).catch(() => undefined);
    if (header?.index !== undefined) await readCarIndex({ ...header, index: header.index }).catch((error: { code?: string }) => assert.equal(error.code, 'CAR_INVALID'));
  }), { numRuns: 500 });
});

test('a CARv2\'s own index, both kinds; one that lies is not believed', async () => {
  const blocks = Array.from({ length: 40 }, (_, i) => randomBlock(i * 100));
  for (const kind of ['sorted', 'multihash'] as const) {
    const header = await readCarHeader(readerOf(carV2Of(blocks[0]!.cid, blocks, kind)));
    const sections = await readCarIndex({ ...header, index: header.index! });
    assert.deepEqual(sections.map(({ multihash }) => Buffer.from(multihash.bytes).toString('hex')), blocks.map(({ cid }) => Buffer.from(cid.multihash.bytes).toString('hex')));
    for (const change of [(offset: number) => offset + 1, () => 0, () => 1e12]) {
      const lying = await readCarHeader(readerOf(carV2Of(blocks[0]!.cid, blocks, kind, change)));
      await assert.rejects(readCarIndex({ ...lying, index: lying.index! }), { code: 'CAR_INVALID' });
    }
  }
});

/** A storage over a folder of CARs. */
async function withCars(t: TestContext) {
  const cars = await tempDir(t);
  const problems: [string, string][] = [];
  const { storage } = await startStorage(t, { offline: true, folders: { cars: [cars] }, onProblem: (path, problem) => problems.push([path, problem]) });
  const holds = async (cid: CID) => (await storage.locate(cid)).find(({ source }) => source === 'cars')!.has;
  return { cars, storage, problems, holds };
}

test('a folder of CARs: read where they lie, nothing copied, followed while files come, change and go', async (t) => {
  const { cars, storage, holds } = await withCars(t);
  const leaves = [randomBlock(1000), randomBlock(300_000)];
  const root = node(DIRECTORY, leaves.map(({ cid, bytes }, i) => ({ Name: `f${i}`, Hash: cid, Tsize: bytes.length })));
  const path = join(cars, 'deep', 'a.car');
  await mkdir(join(cars, 'deep'));
  await writeFile(path, carOf(root.cid, [root, ...leaves]));
  await storage.settled();
  const receipt = await storage.fetch(root.cid);
  assert.deepEqual(receipt.sources.map(({ name, blocks }) => [name, blocks]), [['local', 0], ['files', 0], ['cars', 3]]);
  assert.equal((await storage.locality(root.cid)).share, 1);
  const again = await storage.fetch(root.cid);
  assert.equal(again.sources.find(({ name }) => name === 'cars')!.blocks, 3);
  const { path: unpacked, release } = await storage.materialise(root.cid);
  assert.ok(unpacked.length > 0);
  await release();

  // Moved: found at its new place. Replaced: the old blocks are gone. Removed: all are.
  await rename(path, join(cars, 'b.car'));
  await storage.settled();
  assert.equal(await holds(leaves[0]!.cid), true);
  const other = randomBlock();
  await writeFile(join(cars, 'b.car'), carV2Of(other.cid, [other], 'multihash'));
  await storage.settled();
  assert.deepEqual([await holds(leaves[0]!.cid), await holds(other.cid)], [false, true]);
  assert.deepEqual((await storage.fetch(other.cid)).sources.map(({ blocks }) => blocks), [0, 0, 1]);
  await rm(join(cars, 'b.car'));
  await storage.settled();
  assert.equal(await holds(other.cid), false);
});

test('the file system\'s own notice is enough', async (t) => {
  const { cars, storage, holds } = await withCars(t);
  await storage.settled();
  const block = randomBlock();
  await writeFile(join(cars, 'late.car'), carOf(block.cid, [block]));
  const deadline = performance.now() + 60_000;
  while (!(await holds(block.cid))) {
    assert.ok(performance.now() < deadline, 'the file was not noticed');
    await new Promise((resolve) => { setTimeout(resolve, 20); });
  }
});

test('damaged files are told of, their good blocks served; a block changed in secret is not', async (t) => {
  const { cars, storage, problems, holds } = await withCars(t);
  const [a, b] = [randomBlock(), randomBlock()];
  const path = join(cars, 'cut.car');
  await writeFile(path, carOf(a.cid, [a, b]));
  await truncate(path, carOf(a.cid, [a, b]).length - 10);
  await writeFile(join(cars, 'noise.car'), 'no CAR at all');
  await storage.settled();
  assert.deepEqual([await holds(a.cid), await holds(b.cid)], [true, false]);
  assert.deepEqual(problems.map(([file]) => file).sort(), [path, join(cars, 'noise.car')].sort());
  assert.equal((await storage.problems()).length, 2);
  await storage.settled();
  assert.equal(problems.length, 2, 'a damaged file is not tried again before it changes');

  // Grown to its full size by the copy that was under way: found.
  await appendFile(path, b.bytes.subarray(-10));
  await storage.settled();
  assert.equal(await holds(b.cid), true);
  const wrong = Buffer.from(carOf(a.cid, [a, b]));
  wrong[wrong.length - 1]! ^= 1;
  await writeFile(path, wrong);
  await utimes(path, 1, 1);
  await storage.settled();
  await assert.rejects(storage.fetch(b.cid), (error: Error) => {
    assert.match(error.message, new RegExp(`cars: a file changed after it was read: ${path}: other bytes`));
    return true;
  });
  assert.equal((await storage.fetch(a.cid)).blocks, 1);
});

test('export: a CAR that a folder of CARs takes', async (t) => {
  const { storage } = await startStorage(t, { offline: true });
  const { cid } = await storage.addTree([{ path: 'a/b', source: new Uint8Array(3_000_000).fill(1) }, { path: 'c', source: new TextEncoder().encode('c') }]);
  const { cars, storage: other } = await withCars(t);
  const path = join(cars, 'x.car');
  await storage.exportCar(cid, path);
  await assert.rejects(storage.exportCar(cid, path), { code: 'DESTINATION_EXISTS' });
  await other.settled();
  const receipt = await other.fetch(cid, { signal });
  assert.equal(receipt.sources.find(({ name }) => name === 'cars')!.blocks, receipt.blocks);
});
