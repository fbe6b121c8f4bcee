import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, test, type TestContext } from 'node:test';
import type { CID } from 'multiformats/cid';
import { carHeader, sectionHead } from '../car/write-car.ts';
import type { Storage } from '../storage.ts';
import { DIRECTORY, node, randomBlock, startStorage, tempDir } from '../storage.test-util.ts';

const addresses = (host: { getMultiaddrs(): unknown[] }) => host.getMultiaddrs().map(String);

/** Stands for encryption: all that storage knows of it is that it can be undone. */
async function* flipped(bytes: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  for await (const part of bytes) yield part.map((byte) => byte ^ 0x5a);
}

const big = randomBlock(2 * 1024 * 1024).bytes;
const text = new TextEncoder().encode('done\n');
const entries = [{ path: 'stdout', source: text }, { path: 'outputs/big', source: big }];

async function exportTo(t: TestContext, storage: Storage, cid: CID, plain: CID, open = flipped): Promise<string> {
  const destination = join(await tempDir(t), 'folder');
  await storage.exportSealed(cid, plain, destination, { open });
  return destination;
}

test('a sealed result comes back whole, as a folder and as a CAR, under the CID it has in the clear', async (t) => {
  const node = await startStorage(t);
  const clear = await startStorage(t, { offline: true });
  const sealed = await node.storage.addSealed(entries, { seal: flipped });
  const { cid } = await clear.storage.addTree(entries);
  assert.equal(sealed.plain.toString(), cid.toString());
  assert.deepEqual((await node.storage.holdings()).map(({ cid: held, why }) => [String(held), why]), [[sealed.cid.toString(), 'result']]);

  const client = await startStorage(t);
  await client.storage.connect(addresses(node.host));
  const folder = await exportTo(t, client.storage, sealed.cid, sealed.plain);
  assert.equal(await readFile(join(folder, 'stdout'), 'utf8'), 'done\n');
  assert.ok((await readFile(join(folder, 'outputs/big'))).equals(big));
  await assert.rejects(client.storage.exportSealed(sealed.cid, sealed.plain, folder, { open: flipped }), { code: 'DESTINATION_EXISTS' });

  const out = await tempDir(t);
  await client.storage.exportSealed(sealed.cid, sealed.plain, join(out, 'sealed.car'), { open: flipped, car: true });
  await clear.storage.exportCar(cid, join(out, 'clear.car'));
  assert.ok((await readFile(join(out, 'sealed.car'))).equals(await readFile(join(out, 'clear.car'))));
  for (const { dir } of [node, client]) assert.deepEqual(await readdir(join(dir, 'hidden')), [], 'nothing of it is left');
});

test('a stranger who knows the CIDs of the plain result gets no block of it: from its node, then and later, nor from its client', async (t) => {
  // What may be asked for does not matter where there is nothing to be had.
  const gateway = { listen: '127.0.0.1:0', allow: 'all' as const };
  const node = await startStorage(t, { gateway });
  const client = await startStorage(t, { gateway });
  const stranger = await startStorage(t);
  const clear = await startStorage(t, { offline: true });
  const plain = (await clear.storage.addTree(entries)).cid;
  const children = await clear.storage.ls(plain);
  const cids = [plain, ...children.map(({ cid }) => cid)];
  for (const { host } of [node, client]) await stranger.storage.connect(addresses(host));

  const getsNothing = async (when: string) => {
    for (const cid of cids) await assert.rejects(stranger.storage.fetch(cid, { signal: t.signal }), { code: 'NOT_FOUND' }, `${when}: ${cid}`);
    for (const { storage } of [node, client]) {
      for (const cid of cids) assert.equal((await fetch(new URL(`ipfs/${cid}?format=raw`, storage.gatewayUrl))).status, 404, `${when}: ${cid} by the gateway`);
    }
  };

  const sealed = await node.storage.addSealed(entries, {
    async* seal(car) {
      await getsNothing('while it is sealed');
      yield* flipped(car);
    },
  });
  assert.equal(sealed.plain.toString(), plain.toString());
  await client.storage.connect(addresses(node.host));
  await exportTo(t, client.storage, sealed.cid, plain, async function* open(bytes) {
    yield* flipped(bytes);
    await getsNothing('while the client unpacks it');
  });
  await getsNothing('after it was fetched');
  assert.equal((await stranger.storage.fetch(sealed.cid)).cid, sealed.cid.toString(), 'the file itself is public');
  assert.equal((await fetch(new URL(`ipfs/${sealed.cid}?format=raw`, node.storage.gatewayUrl))).status, 200, 'by the gateway as well');
});

describe('a file that is not what its node says', () => {
  const leaf = randomBlock(1000);
  const root = node(DIRECTORY, [{ Name: 'leaf', Hash: leaf.cid }]);
  const other = node(DIRECTORY, [{ Name: 'other', Hash: leaf.cid }]);
  const carOf = (head: CID, blocks: { cid: CID; bytes: Uint8Array }[]) => Buffer.concat([carHeader(head), ...blocks.flatMap(({ cid, bytes }) => [sectionHead(cid, bytes.length), bytes])]);

  const cases: [string, Buffer, string][] = [
    ['is of another result', carOf(other.cid, [other, leaf]), 'ROOT_DIFFERS'],
    ['claims to be of the result, and holds another', carOf(root.cid, [other, leaf]), 'NOT_FOUND'],
    ['lacks a block', carOf(root.cid, [root]), 'NOT_FOUND'],
    ['has other bytes for a block', carOf(root.cid, [root, { cid: leaf.cid, bytes: randomBlock(1000).bytes }]), 'BLOCK_INVALID'],
    ['ends within a block', carOf(root.cid, [root, leaf]).subarray(0, -10), 'STREAM_CUT'],
    ['is no CAR', Buffer.from('something else'), 'STREAM_CUT'],
    ['is empty', Buffer.alloc(0), 'ROOT_DIFFERS'],
  ];
  for (const [name, car, code] of cases) {
    test(name, async (t) => {
      const { storage, dir } = await startStorage(t, { offline: true });
      const { cid } = await storage.addBytes(car.map((byte) => byte ^ 0x5a));
      const destination = join(await tempDir(t), 'folder');
      await assert.rejects(storage.exportSealed(cid, root.cid, destination, { open: flipped }), { code });
      assert.equal(existsSync(destination), false);
      assert.deepEqual(await readdir(join(dir, 'hidden')), []);
    });
  }
});

test('what a crash left in the clear is gone at the next start; sealing that fails leaves nothing', async (t) => {
  const dir = await tempDir(t);
  await mkdir(join(dir, 'hidden/left'), { recursive: true });
  await writeFile(join(dir, 'hidden/left/block.data'), 'in the clear');
  const { storage } = await startStorage(t, { offline: true, dir });
  assert.equal(existsSync(join(dir, 'hidden')), false);
  const failing = async function* failing(car: AsyncIterable<Uint8Array>) {
    for await (const part of car) {
      if (part.length > 1000) throw new Error('no key');
      yield part;
    }
  };
  await assert.rejects(storage.addSealed(entries, { seal: failing }), /no key/);
  assert.deepEqual(await readdir(join(dir, 'hidden')), []);
  assert.deepEqual(await storage.holdings(), []);
});
