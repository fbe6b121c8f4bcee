import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdir, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { importer } from 'ipfs-unixfs-importer';
import { startStorage, tempDir } from '../storage.test-util.ts';

test('known CIDs: empty file, empty directory, a line', async (t) => {
  const { storage } = await startStorage(t, { offline: true });
  assert.equal((await storage.addBytes(new Uint8Array())).cid.toString(), 'bafkreihdwdcefgh4dqkjv67uzcmw7ojee6xedzdetojuzjevtenxquvyku');
  assert.equal((await storage.addTree([])).cid.toString(), 'bafybeiczsscdsbs7ffqz55asqdf3smv6klcw3gofszvwlyarci47bgf354');
  assert.equal((await storage.addBytes(new TextEncoder().encode('hello world\n'))).cid.toString(), 'bafkreifjjcie6lypi6ny7amxnfftagclbuxndqonfipmb64f2km2devei4');
});

test('a folder has the CID that the importer gives the same tree in one go', async (t) => {
  const { storage, dir } = await startStorage(t, { offline: true });
  const source = join(dir, 'source');
  await mkdir(join(source, 'a', 'b'), { recursive: true });
  await mkdir(join(source, 'empty'));
  const files: Record<string, Uint8Array> = {
    'z': new Uint8Array(), 'a/one': new Uint8Array(randomBytes(10)), 'a/b/big': new Uint8Array(randomBytes(2_500_000)), 'Ä ö': new Uint8Array([1]),
  };
  for (const [path, content] of Object.entries(files)) await writeFile(join(source, path), content);
  let expected = '';
  const candidates = [...Object.entries(files).map(([path, content]) => ({ path, content })), { path: 'empty' }];
  for await (const { cid } of importer(candidates, { put: async (cid) => cid }, { profile: 'unixfs-v1-2025', wrapWithDirectory: true })) expected = cid.toString();
  const added = await storage.add(source);
  assert.equal(added.cid.toString(), expected);
  assert.equal(added.skipped, 0);
  const tree = await storage.addTree([...Object.entries(files).map(([path, content]) => ({ path, source: content })), { path: 'empty', source: join(source, 'empty') }]);
  assert.equal(tree.cid.toString(), expected);
});

test('2,000 entries, and enough to shard: every one comes back', async (t) => {
  const { storage } = await startStorage(t, { offline: true });
  for (const [count, suffix] of [[2_000, ''], [3_000, '-'.repeat(100)]] as const) {
    const entries = Array.from({ length: count }, (_, i) => ({ path: `${i}${suffix}`, source: new TextEncoder().encode(`${i}`) }));
    const { cid } = await storage.addTree(entries);
    const listed = await storage.ls(cid);
    assert.deepEqual(listed.map(({ name }) => name), entries.map(({ path }) => path).sort());
    assert.ok(listed.every(({ type, bytes, name }) => type === 'file' && bytes === Number.parseInt(name, 10).toString().length));
  }
});

test('links are not followed, special files and odd names do no harm', async (t) => {
  const { storage, dir } = await startStorage(t, { offline: true });
  const source = join(dir, 'source');
  await mkdir(join(source, 'folder'), { recursive: true });
  await writeFile(join(dir, 'secret'), 'secret');
  await symlink(join(dir, 'secret'), join(source, 'link'));
  await symlink(dir, join(source, 'folder', 'linked-folder'));
  execFileSync('mkfifo', [join(source, 'pipe')]);
  await writeFile(Buffer.concat([Buffer.from(`${source}/`), Buffer.from([0xff, 0xfe])]), 'not UTF-8');
  for (const name of ['back\\slash', 'ends with \\', ' spaces ', '...']) await writeFile(join(source, name), name);
  const { cid, skipped } = await storage.add(source);
  assert.equal(skipped, 4);
  assert.deepEqual((await storage.ls(cid)).map(({ name }) => name), [' spaces ', '...', 'back\\slash', 'ends with \\', 'folder']);
  const link = await storage.addTree([{ path: 'stdout', source: join(source, 'link') }, { path: 'pipe', source: join(source, 'pipe') }]);
  assert.deepEqual([link.skipped, (await storage.ls(link.cid)).length], [2, 0]);
  await assert.rejects(storage.add(join(source, 'link')), { code: 'SOURCE_INVALID' });
  await assert.rejects(storage.add(join(source, 'pipe')), { code: 'SOURCE_INVALID' });
  await assert.rejects(storage.add(join(source, 'nothing')), { code: 'SOURCE_INVALID' });
});

test('paths of a tree that are no paths are refused', async (t) => {
  const { storage } = await startStorage(t, { offline: true });
  const source = new Uint8Array([1]);
  for (const path of ['', '/', '/a', 'a/', 'a//b', '.', '..', 'a/../b', 'a\0b']) await assert.rejects(async () => storage.addTree([{ path, source }]), { code: 'SOURCE_INVALID' }, path);
  await assert.rejects(async () => storage.addTree([{ path: 'a', source }, { path: 'a', source }]), { code: 'SOURCE_INVALID' });
  await assert.rejects(async () => storage.addTree([{ path: 'a', source }, { path: 'a/b', source }]), { code: 'SOURCE_INVALID' });
});

test('progress is told, and an abort ends an addition', async (t) => {
  const { storage } = await startStorage(t, { offline: true });
  const dir = await tempDir(t);
  await writeFile(join(dir, 'big'), randomBytes(5_000_000));
  const seen: number[] = [];
  const added = await storage.add(join(dir, 'big'), { onProgress: ({ bytes }) => seen.push(bytes) });
  assert.deepEqual([added.blocks, seen.length, seen.at(-1)], [6, 6, added.bytes]);
  const controller = new AbortController();
  await assert.rejects(storage.add(join(dir, 'big'), { signal: controller.signal, onProgress: () => controller.abort(new Error('enough')) }), /enough/);
});
