import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { READ_CONCURRENCY } from './constants.ts';
import { createStorage } from './create-storage.ts';
import { LocalBlocks } from './blocks/local-blocks.ts';
import { DIRECTORY, node, randomBlock, startStorage } from './storage.test-util.ts';
import { CHUNK_BYTES } from './unixfs/leaf.ts';

const addresses = (host: { getMultiaddrs(): unknown[] }) => host.getMultiaddrs().map(String);

test('data goes from node to node, the receipt says whence, and the second time it is local', async (t) => {
  const [a, b] = [await startStorage(t), await startStorage(t)];
  const content = new Uint8Array(randomBytes(3_500_000));
  const { cid, bytes, blocks } = await a.storage.addTree([{ path: 'deep/down/file', source: content }, { path: 'empty', source: new Uint8Array() }]);
  await b.storage.connect(addresses(a.host));
  const first = await b.storage.fetch(cid);
  // The empty file has a block as well.
  assert.deepEqual([first.bytes, first.blocks], [bytes, blocks]);
  assert.deepEqual(first.sources.map(({ name, blocks: n, errors }) => [name, n, errors]), [['local', 0, []], ['files', 0, []], ['peers', blocks, []], ['ipfs', 0, []]]);
  const second = await b.storage.fetch(cid);
  assert.deepEqual(second.sources.map(({ name, blocks: n }) => [name, n]), [['local', blocks], ['files', 0], ['peers', 0], ['ipfs', 0]]);
  const { path, receipt, release } = await b.storage.materialise(cid);
  assert.deepEqual(new Uint8Array(await readFile(join(path, 'deep/down/file'))), content);
  assert.equal((await stat(join(path, 'empty'))).size, 0);
  assert.equal(receipt.sources[0]!.blocks, blocks);
  await release();
  await release();
  assert.equal((await b.storage.evict({ maxBytes: 0 })).removed, 1);
});

test('a fetch that was broken off goes on where it was', async (t) => {
  const [a, b] = [await startStorage(t), await startStorage(t)];
  const { cid, blocks } = await a.storage.addBytes(randomBytes(60 << 20));
  await b.storage.connect(addresses(a.host));
  const controller = new AbortController();
  await assert.rejects(b.storage.fetch(cid, {
    signal: controller.signal, onProgress: (progress) => { if (progress.blocks === 15) controller.abort(new Error('enough')); },
  }), /enough/);
  const { share, totalBytes, heldBytes } = await b.storage.locality(cid);
  assert.ok(share > 0.15 && share < 1 && heldBytes < totalBytes, `share ${share}`);
  const receipt = await b.storage.fetch(cid);
  const [local, , peers] = receipt.sources;
  assert.ok(local!.blocks >= 15);
  assert.equal(local!.blocks + peers!.blocks, blocks);
  assert.equal((await b.storage.locality(cid)).share, 1);
});

test('locality: nothing, the root alone, all but one, everything', async (t) => {
  const { storage, dir } = await startStorage(t, { offline: true });
  const blocks = new LocalBlocks(join(dir, 'blocks'));
  const leaves = Array.from({ length: 4 }, () => randomBlock(1000));
  const root = node(DIRECTORY, leaves.map(({ cid }, i) => ({ Name: `${i}`, Hash: cid, Tsize: 1000 })));
  assert.deepEqual(await storage.locality(root.cid), { heldBytes: 0, blocks: 0, totalBytes: 0, share: 0 });
  assert.equal(await storage.size(root.cid), undefined);
  await blocks.put(root.cid, root.bytes);
  assert.deepEqual(await storage.locality(root.cid), { heldBytes: root.bytes.length, blocks: 1, totalBytes: 4000 + root.bytes.length, share: root.bytes.length / (4000 + root.bytes.length) });
  for (const { cid, bytes } of leaves.slice(1)) await blocks.put(cid, bytes);
  assert.ok((await storage.locality(root.cid)).share < 1);
  await blocks.put(leaves[0]!.cid, leaves[0]!.bytes);
  assert.deepEqual(await storage.locality(root.cid), { heldBytes: 4000 + root.bytes.length, blocks: 5, totalBytes: 4000 + root.bytes.length, share: 1 });
});

test('a damaged block on disk is noticed and mended from the network', async (t) => {
  const [a, b] = [await startStorage(t), await startStorage(t)];
  const { cid } = await a.storage.addBytes(randomBytes(1000));
  await b.storage.connect(addresses(a.host));
  await b.storage.fetch(cid);
  const [folder] = await readdir(join(b.dir, 'blocks'));
  const [name] = await readdir(join(b.dir, 'blocks', folder!));
  await writeFile(join(b.dir, 'blocks', folder!, name!), 'rot');
  const receipt = await b.storage.fetch(cid);
  assert.equal(receipt.sources[2]!.blocks, 1);
  assert.equal((await readFile(join(b.dir, 'blocks', folder!, name!))).length, 1000);
});

test('nobody has it: the error says so for every source, soon', async (t) => {
  const [a, b] = [await startStorage(t), await startStorage(t)];
  await b.storage.connect(addresses(a.host));
  const { cid } = randomBlock();
  await assert.rejects(b.storage.fetch(cid), { code: 'NOT_FOUND', message: /local: not on this machine; files: not in its files; peers: no peer has it; ipfs: none of 1 peers has it/ });
  const alone = await startStorage(t, { offline: true });
  await assert.rejects(alone.storage.materialise(cid), { code: 'NOT_FOUND' });
  assert.deepEqual((await b.storage.locate(cid)).map(({ source, has }) => [source, has]), [['local', false], ['files', false], ['peers', false], ['ipfs', false]]);
  const held = (await a.storage.addBytes(randomBytes(10))).cid;
  assert.deepEqual((await b.storage.locate(held)).map(({ source, has }) => [source, has]), [['local', false], ['files', false], ['peers', true], ['ipfs', true]]);
  assert.deepEqual(a.storage.sources, ['local', 'files', 'peers', 'ipfs']);
});

test('export refuses to overwrite, and leaves nothing behind when it fails', async (t) => {
  const { storage, dir } = await startStorage(t, { offline: true });
  const { cid } = await storage.addTree([{ path: 'a', source: new TextEncoder().encode('A') }]);
  const out = join(dir, 'out');
  await mkdir(out);
  await storage.export(cid, join(out, 'copy'));
  assert.equal(await readFile(join(out, 'copy', 'a'), 'utf8'), 'A');
  await assert.rejects(storage.export(cid, join(out, 'copy')), { code: 'DESTINATION_EXISTS' });
  await assert.rejects(storage.export(cid, join(out, 'copy', 'a')), { code: 'DESTINATION_EXISTS' });
  const leaf = randomBlock();
  const hostile = node(DIRECTORY, [{ Name: '../evil', Hash: leaf.cid }]);
  const blocks = new LocalBlocks(join(dir, 'blocks'));
  for (const block of [leaf, hostile]) await blocks.put(block.cid, block.bytes);
  await assert.rejects(storage.export(hostile.cid, join(out, 'evil')), { code: 'ENTRY_HOSTILE' });
  assert.deepEqual(await readdir(out), ['copy']);
  await assert.rejects(storage.materialise(hostile.cid), { code: 'ENTRY_HOSTILE' });
  await assert.rejects(storage.ls(hostile.cid), { code: 'ENTRY_HOSTILE' });
});

test('cat and ls fetch what they need and no more', async (t) => {
  const [a, b] = [await startStorage(t), await startStorage(t)];
  const big = new Uint8Array(randomBytes(2_500_000));
  const { cid } = await a.storage.addTree([{ path: 'folder/x', source: new Uint8Array([1]) }, { path: 'big', source: big }, { path: 'small', source: new Uint8Array(7) }]);
  await b.storage.connect(addresses(a.host));
  const listed = await b.storage.ls(cid);
  assert.deepEqual(listed.map(({ name, type }) => [name, type]), [['big', 'file'], ['folder', 'directory'], ['small', 'file']]);
  assert.deepEqual([listed[0]!.bytes, listed[2]!.bytes], [2_500_000, 7]);
  assert.ok((await b.storage.locality(cid)).share < 0.01);
  const collect = async (options = {}) => Buffer.concat(await Array.fromAsync(b.storage.cat(listed[0]!.cid, options)));
  assert.deepEqual(new Uint8Array(await collect({ offset: 10, length: 5 })), big.subarray(10, 15));
  assert.deepEqual(new Uint8Array(await collect()), big);
  await assert.rejects(b.storage.cat(cid).next(), { code: 'NOT_A_FILE' });
  await assert.rejects(b.storage.ls(listed[0]!.cid), { code: 'NOT_A_DIRECTORY' });
});

test('concurrent callers get one extraction and their own pins', async (t) => {
  const { storage } = await startStorage(t, { offline: true });
  const { cid } = await storage.addBytes(randomBytes(3_000_000));
  const all = await Promise.all(Array.from({ length: 10 }, () => storage.materialise(cid)));
  assert.equal(new Set(all.map(({ path }) => path)).size, 1);
  for (const { release } of all.slice(1)) await release();
  assert.equal((await storage.evict({ maxBytes: 0 })).removed, 0);
  await all[0]!.release();
  assert.equal((await storage.evict({ maxBytes: 0 })).removed, 1);
  await assert.rejects(stat(all[0]!.path));
});

test('a folder has one storage at a time; stop may be called twice, and aborts what runs', async (t) => {
  const { storage, dir } = await startStorage(t, { offline: true });
  await assert.rejects(createStorage({}, { dir }), { code: 'STORE_LOCKED' });
  const { cid } = await storage.addBytes(randomBytes(10));
  await storage.stop();
  await storage.stop();
  await assert.rejects(storage.fetch(cid), /stopping/);
  const again = await createStorage({}, { dir });
  assert.equal((await again.locality(cid)).share, 1);
  await again.stop();
});

test('the limit of a fetch holds', async (t) => {
  const [a, b] = [await startStorage(t), await startStorage(t, { limits: { maxFetchBytes: 1_500_000 } })];
  const { cid } = await a.storage.addBytes(randomBytes(3_000_000));
  await b.storage.connect(addresses(a.host));
  await assert.rejects(b.storage.materialise(cid), { code: 'LIMIT_EXCEEDED' });
});

test('a reader who takes his time is not read far ahead of, however he reads', async (t) => {
  const { storage } = await startStorage(t, { offline: true });
  const blocks = 4 * READ_CONCURRENCY + 1;
  // One block in the store, many in the file.
  const { cid } = await storage.addBytes(new Uint8Array(blocks * CHUNK_BYTES));
  const reads = t.mock.method(LocalBlocks.prototype, 'readOwn');
  for (const content of [() => storage.cat(cid), () => storage.readInOrder([cid])]) {
    reads.mock.resetCalls();
    let taken = 0;
    let ahead = 0;
    for await (const part of content()) {
      for (let turn = 0; turn < 50; turn++) await setImmediate();
      taken += part.length;
      ahead = Math.max(ahead, reads.mock.callCount() - taken / CHUNK_BYTES);
    }
    assert.equal(taken, blocks * CHUNK_BYTES);
    // And the node above them.
    assert.ok(ahead <= READ_CONCURRENCY, `${ahead} blocks ahead of the reader`);
  }
  const odd = 9 * CHUNK_BYTES + 12_345;
  let length = 0;
  for await (const part of storage.cat(cid, { offset: 7, length: odd })) length += part.length;
  assert.equal(length, odd);
});
