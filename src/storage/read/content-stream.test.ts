import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { contentStream } from './content-stream.ts';
import { createStorage } from '../create-storage.ts';
import type { Storage } from '../storage.ts';

let dir: string;
let storage: Storage;
before(async () => {
  dir = await mkdtemp(join(tmpdir(), 'gadus-content-'));
  storage = await createStorage({}, { dir: join(dir, 'storage') });
  await mkdir(join(dir, 'tree', 'b'), { recursive: true });
  for (const [name, text] of [['c', 'third'], ['b/y', 'second'], ['b/x', 'first'], ['a', '']] as const) await writeFile(join(dir, 'tree', name), text);
  await symlink('c', join(dir, 'tree', 'link'));
});
after(async () => {
  await storage.stop();
  await rm(dir, { recursive: true });
});

const text = async (...roots: Parameters<typeof contentStream>[1]): Promise<string> => {
  let all = '';
  for await (const bytes of contentStream(storage, roots)) all += Buffer.from(bytes).toString();
  return all;
};

test('files of a tree by path, links left out; several roots in the order given; a file by itself', async () => {
  const { cid: tree } = await storage.add(join(dir, 'tree'));
  const { cid: file } = await storage.addBytes(Buffer.from('zero, '));
  assert.equal(await text(tree), 'firstsecondthird');
  assert.equal(await text(file, tree), 'zero, firstsecondthird');
  assert.equal(await text(tree, file), 'firstsecondthirdzero, ');
});
