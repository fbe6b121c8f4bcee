import assert from 'node:assert/strict';
import { mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { FileCache, type Fill } from './file-cache.ts';
import { randomBlock, tempDir } from '../storage.test-util.ts';

const signal = new AbortController().signal;
const fillWith = (text: string): Fill => async (path) => {
  await writeFile(path, text);
  return { bytes: text.length, dagBytes: text.length, dagBlocks: 1 };
};

test('those who ask at once share one extraction; one that leaves does not end it, the last one does', async (t) => {
  const cache = new FileCache(await tempDir(t));
  await cache.start();
  const { cid } = randomBlock();
  let fills = 0;
  const gate = Promise.withResolvers<void>();
  const begun = Promise.withResolvers<AbortSignal>();
  const fill: Fill = async (path, inner) => { fills++; begun.resolve(inner); await gate.promise; return fillWith('x')(path, inner); };
  const leaving = new AbortController();
  const first = cache.findOrFill(cid, fill, leaving.signal);
  const others = [cache.findOrFill(cid, fill, signal), cache.findOrFill(cid, fill, signal)];
  const inner = await begun.promise;
  leaving.abort(new Error('left'));
  await assert.rejects(first, /left/);
  assert.equal(inner.aborted, false);
  gate.resolve();
  const paths = (await Promise.all(others)).map(({ path }) => path);
  assert.equal(fills, 1);
  assert.equal(new Set(paths).size, 1);
  assert.equal(await readFile(paths[0]!, 'utf8'), 'x');

  const lonely = new AbortController();
  const told = Promise.withResolvers<void>();
  const other = randomBlock().cid;
  const waiting = cache.findOrFill(other, (_path, s) => new Promise((_resolve, reject) => {
    s.addEventListener('abort', () => { told.resolve(); reject(s.reason); });
    lonely.abort(new Error('gone'));
  }), lonely.signal);
  await assert.rejects(waiting, /gone/);
  await told.promise;
  assert.equal(await readFile((await cache.findOrFill(other, fillWith('again'), signal)).path, 'utf8'), 'again');
});

test('a failed extraction leaves nothing, and the next one may succeed', async (t) => {
  const dir = await tempDir(t);
  const cache = new FileCache(dir);
  await cache.start();
  const { cid } = randomBlock();
  await assert.rejects(cache.findOrFill(cid, async (path) => { await mkdir(path); throw new Error('broken'); }, signal), /broken/);
  assert.deepEqual([await readdir(join(dir, 'files')), await readdir(join(dir, 'tmp'))], [[], []]);
  await cache.findOrFill(cid, fillWith('fine'), signal);
  assert.equal((await cache.find(cid))?.bytes, 4);
});

test('eviction takes the longest unused without pins, and no more than it must', async (t) => {
  const cache = new FileCache(await tempDir(t));
  await cache.start();
  const cids = Array.from({ length: 4 }, () => randomBlock().cid);
  const entries = [];
  for (const cid of cids) entries.push(await cache.findOrFill(cid, fillWith('0123456789'), signal));
  for (const cid of cids.slice(1)) cache.unpin(cid);
  const again = await cache.find(cids[1]!);
  cache.unpin(cids[1]!);
  assert.equal(again?.path, entries[1]!.path);
  assert.deepEqual(await cache.evict({ maxBytes: 20 }), { removed: 2, bytes: 20 });
  const there = await Promise.all(entries.map(({ path }) => stat(path).then(() => true, () => false)));
  assert.equal(there[0], true);
  assert.equal(there.filter(Boolean).length, 2);
  assert.deepEqual(await cache.evict({ maxBytes: 0 }), { removed: 1, bytes: 10 });
  cache.unpin(cids[0]!);
  assert.deepEqual(await cache.evict({ maxBytes: 0 }), { removed: 1, bytes: 0 });
});

test('what a crash left is cleared; an entry whose files are gone does not count', async (t) => {
  const dir = await tempDir(t);
  const before = new FileCache(dir);
  await before.start();
  const { cid } = randomBlock();
  const { path } = await before.findOrFill(cid, fillWith('x'), signal);
  await mkdir(join(dir, 'tmp', 'half'));
  await writeFile(join(dir, 'files', 'broken.json'), '{');
  const after = new FileCache(dir);
  await after.start();
  assert.deepEqual(await readdir(join(dir, 'tmp')), []);
  assert.equal((await after.find(cid))?.path, path);
  await writeFile(`${path}.json`, '{');
  assert.equal(await after.find(cid), undefined);
});
