import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdir, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { listFiles } from './list-files.ts';
import { LocalBlocks } from '../blocks/local-blocks.ts';
import { DIRECTORY, node, randomBlock, startStorage } from '../storage.test-util.ts';
import { directoryCid } from '../unixfs/import-tree.ts';

test('all regular files below a directory: large ones, those of sharded directories, odd names; no links', async (t) => {
  const { storage, dir } = await startStorage(t, { offline: true });
  const source = join(dir, 'source');
  const many = Array.from({ length: 3_000 }, (_, i) => `many/${i}${'-'.repeat(100)}`);
  const files = ['a', 'b/c/d', 'b/big', 'Ä ö', 'x\ny', '-rf', 'b/..c', ...many];
  for (const folder of ['b/c', 'many', 'empty']) await mkdir(join(source, folder), { recursive: true });
  for (const file of files) await writeFile(join(source, file), file === 'b/big' ? randomBytes(2_500_000) : file);
  await symlink('a', join(source, 'link'));
  const { cid } = await storage.add(source);
  assert.deepEqual((await listFiles(storage, cid)).toSorted(), files.toSorted());
  const { cid: file } = await storage.addBytes(randomBytes(10));
  await assert.rejects(listFiles(storage, file), { code: 'NOT_A_DIRECTORY' });
});

test('a directory with one name twice is refused', async (t) => {
  const { storage, dir } = await startStorage(t, { offline: true });
  const [a, b] = [randomBlock(), randomBlock()];
  const twice = node(DIRECTORY, [{ Name: 'x', Hash: a.cid }, { Name: 'x', Hash: b.cid }]);
  const blocks = new LocalBlocks(join(dir, 'blocks'));
  for (const block of [a, b, twice]) await blocks.put(block.cid, block.bytes);
  await assert.rejects(listFiles(storage, twice.cid), { code: 'ENTRY_HOSTILE' });
});

test('a directory of what is there has the CID of the same tree added at once, and is told without storing it', async (t) => {
  const { storage } = await startStorage(t, { offline: true });
  const entries = [];
  for (const name of ['0000', '0001']) {
    const { cid, bytes } = await storage.addTree([{ path: 'stdout', source: new TextEncoder().encode(name) }]);
    entries.push({ name, cid, bytes });
  }
  const whole = await storage.addTree(['0000', '0001'].map((name) => ({ path: `${name}/stdout`, source: new TextEncoder().encode(name) })));
  assert.equal((await directoryCid(entries)).toString(), whole.cid.toString());
  assert.equal((await storage.addDirectory(entries)).cid.toString(), whole.cid.toString());
  await assert.rejects(directoryCid([entries[0]!, entries[0]!]), { code: 'SOURCE_INVALID' });
  await assert.rejects(directoryCid([{ ...entries[0]!, name: '../x' }]), { code: 'SOURCE_INVALID' });
});
