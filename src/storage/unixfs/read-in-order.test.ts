import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import { randomBlock, startHost, startStorage } from '../storage.test-util.ts';
import type { TreeEntry } from './import-tree.ts';

const collect = async (stream: AsyncIterable<Uint8Array>) => Buffer.concat(await Array.fromAsync(stream));

test('the files of several DAGs, in their order, whole and in ranges; by copy, by reference, and where it was fetched', async (t) => {
  const [a, b] = [await startStorage(t), await startStorage(t, { libp2p: await startHost(t) })];
  const source = join(a.dir, 'source');
  await mkdir(join(source, 'b'), { recursive: true });
  const parts = { 'a.txt': randomBytes(700), 'b/y': randomBytes(2_600_000), 'b/z': randomBytes(0), 'b.txt': randomBytes(5) };
  for (const [path, bytes] of Object.entries(parts)) await writeFile(join(source, path), bytes);
  await symlink('a.txt', join(source, 'link'));
  const { cid } = await a.storage.add(source, { noCopy: true });
  const single = await a.storage.addBytes(randomBytes(1_500_000));
  // By bytes, 'b' is before 'b.txt'.
  const whole = Buffer.concat([await collect(a.storage.cat(single.cid)), parts['a.txt'], parts['b/y'], parts['b.txt'], await collect(a.storage.cat(single.cid))]);
  const cids = [single.cid, cid, single.cid];
  assert.equal(Buffer.compare(await collect(a.storage.readInOrder(cids)), whole), 0);
  for (const [offset, length] of [[0, 0], [0, 1], [1_499_999, 2], [1_500_000, 701], [whole.length - 1, 10], [whole.length, 1], [1_500_700, 2_600_004], [3_000_000, 2048]] as const) {
    assert.equal(Buffer.compare(await collect(a.storage.readInOrder(cids, { offset, length })), whole.subarray(offset, offset + length)), 0, `${offset}+${length}`);
  }
  await b.storage.connect(a.host.getMultiaddrs().map(String));
  await assert.rejects(collect(b.storage.readInOrder(cids)), { code: 'NOT_FOUND' });
  for (const one of cids) await b.storage.fetch(one);
  assert.equal(Buffer.compare(await collect(b.storage.readInOrder(cids)), whole), 0);
  await writeFile(join(source, 'a.txt'), randomBytes(700));
  await assert.rejects(collect(a.storage.readInOrder([cid])), { code: 'NOT_FOUND', message: /a file changed/ });
});

test('any tree: every file once, the same bytes as by any other way to them', async (t) => {
  const { storage, dir } = await startStorage(t, { offline: true });
  const name = fc.stringMatching(/^[a-c.é]{1,3}$/).filter((one) => !/^\.{1,2}$/.test(one));
  const tree = fc.uniqueArray(fc.tuple(fc.array(name, { minLength: 1, maxLength: 3 }), fc.uint8Array({ maxLength: 40 })), { maxLength: 12, selector: ([path]) => path.join('/') });
  await fc.assert(fc.asyncProperty(tree, async (files) => {
    const paths = new Set(files.map(([path]) => path.join('/')));
    const entries: TreeEntry[] = files.filter(([path]) => !path.some((_part, i) => i > 0 && paths.has(path.slice(0, i).join('/')))).map(([path, source]) => ({ path: path.join('/'), source }));
    const { cid } = await storage.addTree(entries);
    // Sorted part by part, as bytes.
    const key = ({ path }: TreeEntry) => Buffer.from(path.replaceAll('/', '\0'));
    const sorted = entries.toSorted((x, y) => Buffer.compare(key(x), key(y)));
    assert.equal(Buffer.compare(await collect(storage.readInOrder([cid])), Buffer.concat(sorted.map(({ source }) => source as Uint8Array))), 0);
    const copy = join(dir, 'copy');
    await storage.export(cid, copy);
    for (const { path, source } of entries) assert.equal(Buffer.compare(await readFile(join(copy, path)), source as Uint8Array), 0);
    await rm(copy, { recursive: true });
  }), { numRuns: 40, seed: 6 });
});

test('a sharded folder is read in the order of its DAG, always the same; aborted, it ends', async (t) => {
  const { storage } = await startStorage(t, { offline: true });
  const entries = Array.from({ length: 3_000 }, (_, i): TreeEntry => ({ path: `a name long enough to shard a folder of a few thousand files ${String(i).padStart(40, '0')}`, source: Buffer.from(`${i} `) }));
  const { cid } = await storage.addTree(entries);
  const text = (await collect(storage.readInOrder([cid]))).toString();
  assert.deepEqual(text.trim().split(' ').map(Number).sort((x, y) => x - y), entries.map((_, i) => i));
  assert.equal((await collect(storage.readInOrder([cid]))).toString(), text);
  assert.equal((await collect(storage.readInOrder([cid], { offset: 5_000, length: 100 }))).toString(), text.slice(5_000, 5_100));
  await assert.rejects(collect(storage.readInOrder([cid], { signal: AbortSignal.abort(new Error('enough')) })), /enough/);
  await assert.rejects(collect(storage.readInOrder([randomBlock().cid])), { code: 'NOT_FOUND' });
});
