import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { statfs } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import type { CID } from 'multiformats/cid';
import { startHost, startStorage, tempDir } from '../storage.test-util.ts';
import { LocalBlocks } from '../blocks/local-blocks.ts';

const bytes = (size: number) => new Uint8Array(randomBytes(size));

test('what was added stays until it is removed; what shares its blocks with it keeps them', async (t) => {
  const { storage } = await startStorage(t, { offline: true });
  const shared = bytes(2_000_000);
  const [a, b] = [
    await storage.addTree([{ path: 'x', source: shared }, { path: 'only-a', source: bytes(1000) }]),
    await storage.addTree([{ path: 'x', source: shared }, { path: 'only-b', source: bytes(1000) }]),
  ];
  assert.deepEqual(await storage.collect(), { dags: 0, blocks: 0, bytes: 0 });
  await storage.remove(a.cid);
  const collected = await storage.collect();
  assert.equal(collected.blocks, 2);
  assert.ok((await storage.locality(a.cid)).share < 1);
  assert.equal((await storage.locality(b.cid)).share, 1);
});

test('a result stays until its time, and for ever while nobody says when; an added copy of it stays', async (t) => {
  const { storage } = await startStorage(t, { offline: true });
  const [over, running, wanted] = [
    await storage.addBytes(bytes(1000), { why: 'result' }), await storage.addBytes(bytes(1000), { why: 'result' }), bytes(1000),
  ];
  const kept = await storage.addBytes(wanted, { why: 'result' });
  await storage.addBytes(wanted);
  await storage.keepUntil(over.cid, Date.now() + 60_000);
  assert.equal((await storage.collect()).dags, 0);
  const late = await storage.addBytes(bytes(500), { why: 'result' });
  await storage.keepUntil(late.cid, Date.now() - 1);
  await storage.keepUntil(kept.cid, Date.now() - 1);
  assert.deepEqual(await storage.collect(), { dags: 1, blocks: 1, bytes: 500 });
  assert.deepEqual((await storage.holdings()).map(({ cid }) => cid).sort(), [over, running, kept].map(({ cid }) => cid.toString()).sort());
});

test('fetched data goes when there is too much of it, the longest unused first, but never what a job uses', async (t) => {
  const [a, b] = [await startStorage(t), await startStorage(t, { libp2p: await startHost(t), limits: { maxCacheBytes: 2500 } })];
  const cids: CID[] = [];
  for (let i = 0; i < 4; i++) cids.push((await a.storage.addBytes(bytes(1000))).cid);
  await b.storage.connect(a.host.getMultiaddrs().map(String));
  const used = await b.storage.materialise(cids[0]!);
  for (const cid of cids.slice(1)) await b.storage.fetch(cid);
  const shares = async () => Promise.all(cids.map(async (cid) => (await b.storage.locality(cid)).share));
  assert.equal((await b.storage.collect()).dags, 1);
  assert.deepEqual(await shares(), [1, 0, 1, 1]);
  await used.release();
  await b.storage.fetch(cids[0]!);
  assert.equal((await b.storage.collect()).dags, 1);
  assert.deepEqual(await shares(), [1, 0, 0, 1]);
  // What hangs from nothing goes as well.
  const stray = new LocalBlocks(join(b.dir, 'blocks'));
  const { cid } = await a.storage.addBytes(bytes(77));
  await stray.put(cid, (await new LocalBlocks(join(a.dir, 'blocks')).read(cid))!);
  assert.deepEqual(await b.storage.collect(), { dags: 0, blocks: 1, bytes: 77 });
});

test('what is added or fetched while garbage is collected stays whole', async (t) => {
  const { storage } = await startStorage(t, { offline: true });
  const content = Array.from({ length: 30 }, () => bytes(300_000));
  // All of it is garbage when the collection begins, and added again meanwhile.
  for (const one of content) await storage.remove((await storage.addBytes(one)).cid);
  const [, ...added] = await Promise.all([storage.collect(), ...content.map((one) => storage.addBytes(one))]);
  for (const { cid } of added) assert.equal((await storage.locality(cid)).share, 1);
  await storage.collect();
  for (const { cid } of added) assert.equal((await storage.fetch(cid)).sources[0]!.errors.length, 0);
});

test('a disk that is nearly full is not filled: nothing is added or fetched, and what is here stays readable', async (t) => {
  const dir = await tempDir(t);
  const first = await startStorage(t, { offline: true, dir });
  const { cid } = await first.storage.addBytes(bytes(1000));
  await first.storage.stop();
  const { bavail, bsize } = await statfs(dir);
  const { storage } = await startStorage(t, { dir, limits: { reserveBytes: bavail * bsize * 2 } });
  const other = await startStorage(t);
  await storage.connect(other.host.getMultiaddrs().map(String));
  const full = { code: 'DISK_FULL', message: /the disk is nearly full: .* are free at/ };
  await assert.rejects(storage.requireSpace(0), full);
  await assert.rejects(storage.addBytes(bytes(10)), full);
  await assert.rejects(storage.fetch((await other.storage.addBytes(bytes(1000))).cid), full);
  assert.equal((await storage.fetch(cid)).blocks, 1);
  const chunks: Uint8Array[] = [];
  for await (const chunk of storage.cat(cid)) chunks.push(chunk);
  assert.equal(Buffer.concat(chunks).length, 1000);
});
