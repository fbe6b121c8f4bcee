import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { mkdir, rm, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { CID } from 'multiformats/cid';
import { startHost, startStorage, tempDir } from '../storage.test-util.ts';
import { leafOf } from '../unixfs/leaf.ts';
import { LocalBlocks } from './local-blocks.ts';

const FILES = 300;
const content = (i: number) => `file ${i}\n`.repeat(1 + i % 40);
const cidOf = (i: number) => leafOf(new TextEncoder().encode(content(i))).cid;
const all = Array.from({ length: FILES }, (_, i) => i);

test('many blocks are verified, measured and read as one by one; what is damaged or missing is left', async (t) => {
  const dir = await tempDir(t);
  const blocks = new LocalBlocks(join(dir, 'blocks'));
  await blocks.open();
  t.after(() => blocks.close());
  for (const i of all) if (i % 10 !== 3) await blocks.put(cidOf(i), new TextEncoder().encode(content(i)));
  // As after a power failure: of the right length, too short, empty.
  const bad = new Map([[20, 'x'.repeat(content(20).length)], [21, content(21).slice(1)], [22, '']]);
  for (const [i, bytes] of bad) await blocks.put(cidOf(i), new TextEncoder().encode(bytes), { replace: true });
  const cids = all.map(cidOf);
  const right = all.map((i) => (i % 10 === 3 || bad.has(i) ? -1 : content(i).length));
  assert.deepEqual([...await blocks.verifyMany(cids)], right);
  assert.deepEqual([...await blocks.sizesOfOwn(cids)], all.map((i) => (i % 10 === 3 ? -1 : (bad.get(i) ?? content(i)).length)));
  assert.deepEqual((await blocks.readMany(cids)).map((bytes) => bytes && Buffer.from(bytes).toString()), all.map((i) => (right[i] === -1 ? undefined : content(i))));
  const swept = await blocks.sweep(cids.slice(0, 100));
  assert.equal(swept.length, 90);
  assert.deepEqual([...await blocks.sizesOfOwn(cids.slice(0, 100))], all.slice(0, 100).map(() => -1));
});

test('a folder of small files that is referenced goes to another node as it was; what was changed or swapped since is not given', async (t) => {
  const dir = join(await tempDir(t), 'data');
  await mkdir(dir);
  for (const i of all) writeFileSync(join(dir, `${i}.txt`), content(i));
  const { storage: a, host } = await startStorage(t);
  const { cid } = await a.add(dir, { noCopy: true });
  const { storage: b } = await startStorage(t, { libp2p: await startHost(t), remote: { order: ['peers'] } });
  await b.connect(host.getMultiaddrs().map(String));
  writeFileSync(join(dir, '100.txt'), 'other');
  await rm(join(dir, '101.txt'));
  await symlink('102.txt', join(dir, '101.txt'));
  await assert.rejects(b.fetch(cid), { code: 'NOT_FOUND' });
  const held = await b.locality(cid);
  assert.deepEqual([held.blocks, held.share < 1], [FILES - 1, true], 'all but two, and the folder');
  writeFileSync(join(dir, 'again'), content(100));
  await rm(join(dir, '101.txt'));
  writeFileSync(join(dir, '101.txt'), content(101));
  await a.add(join(dir, 'again'), { noCopy: true });
  await a.add(join(dir, '101.txt'), { noCopy: true });
  const receipt = await b.fetch(cid);
  assert.deepEqual(receipt.sources.map(({ name, blocks }) => [name, blocks]).filter(([, blocks]) => blocks !== 0), [['local', FILES - 1], ['peers', 2]]);
  assert.equal((await b.locality(CID.parse(String(cid)))).share, 1);
});
