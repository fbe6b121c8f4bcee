import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { chmod, mkdir, open, readdir, readFile, rm, stat, symlink, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { startHost, startStorage, tempDir } from '../storage.test-util.ts';

/** Bytes of all files below a folder. */
async function diskUse(dir: string): Promise<number> {
  const entries = await readdir(dir, { recursive: true, withFileTypes: true });
  const sizes = await Promise.all(entries.filter((entry) => entry.isFile()).map(async (entry) => (await stat(join(entry.parentPath, entry.name))).size));
  return sizes.reduce((sum, size) => sum + size, 0);
}

async function makeTree(t: TestContext): Promise<string> {
  const source = join(await tempDir(t), 'source');
  await mkdir(join(source, 'a', 'b'), { recursive: true });
  await writeFile(join(source, 'big'), randomBytes(5_500_000));
  await writeFile(join(source, 'a', 'small'), 'small');
  await writeFile(join(source, 'a', 'b', 'empty'), '');
  await writeFile(join(source, 'a', 'twin'), 'small');
  return source;
}

test('referenced: the CID of a copying import, the bytes not stored, the DAG whole', async (t) => {
  const source = await makeTree(t);
  const [copying, referring] = [await startStorage(t, { offline: true }), await startStorage(t, { offline: true })];
  const copied = await copying.storage.add(source);
  const referenced = await referring.storage.add(source, { noCopy: true });
  assert.deepEqual({ ...referenced, cid: referenced.cid.toString() }, { ...copied, cid: copied.cid.toString() });
  assert.ok(await diskUse(join(referring.dir, 'blocks')) < 2000);
  assert.equal((await referring.storage.locality(referenced.cid)).share, 1);
  const receipt = await referring.storage.fetch(referenced.cid);
  assert.equal(receipt.sources.find(({ name }) => name === 'files')!.bytes, 5_500_000 + 'small'.length);
  const copy = join(referring.dir, 'copy');
  await referring.storage.export(referenced.cid, copy);
  assert.deepEqual(await readFile(join(copy, 'big')), await readFile(join(source, 'big')));
});

test('referenced data is served to other nodes', async (t) => {
  const source = await makeTree(t);
  const [a, b] = [await startStorage(t), await startStorage(t, { libp2p: await startHost(t) })];
  const { cid } = await a.storage.add(source, { noCopy: true });
  await b.storage.connect(a.host.getMultiaddrs().map(String));
  const receipt = await b.storage.fetch(cid);
  assert.equal(receipt.sources.reduce((sum, { local, blocks }) => sum + (local ? 0 : blocks), 0), receipt.blocks);
});

test('a job gets the file, or the folder, where it lies, until it changes', async (t) => {
  const source = await makeTree(t);
  const { storage, dir } = await startStorage(t, { offline: true });
  for (const path of [join(source, 'a', 'small'), join(source, 'big'), source]) {
    const { cid, bytes } = await storage.add(path, { noCopy: true });
    const held = await storage.materialise(cid);
    assert.equal(held.path, path);
    assert.deepEqual(held.receipt.sources.map(({ name, bytes: from }) => [name, from]), [['files', bytes]]);
    await held.check();
    await held.release();
  }
  assert.deepEqual(await readdir(join(dir, 'files')), []);

  const { cid } = await storage.add(source, { noCopy: true });
  const held = await storage.materialise(cid);
  await writeFile(join(source, 'a', 'new'), 'not in the DAG');
  await assert.rejects(held.check(), { code: 'FILE_CHANGED', message: new RegExp(source) });
  // The files themselves are as they were, so the DAG is still here: unpacked beside what is not in it.
  const unpacked = await storage.materialise(cid);
  assert.notEqual(unpacked.path, source);
  assert.deepEqual((await readdir(join(unpacked.path, 'a'))).sort(), ['b', 'small', 'twin']);
  await unpacked.release();
});

test('what jobs cannot read, or is not in the DAG, is unpacked', async (t) => {
  const source = await makeTree(t);
  const { storage } = await startStorage(t, { offline: true });
  await chmod(join(source, 'a', 'small'), 0o600);
  const secret = await storage.add(source, { noCopy: true });
  const first = await storage.materialise(secret.cid);
  assert.notEqual(first.path, source);
  await first.release();
  await chmod(join(source, 'a', 'small'), 0o644);
  await symlink('/etc', join(source, 'link'));
  const linked = await storage.add(source, { noCopy: true });
  assert.equal(linked.skipped, 1);
  const second = await storage.materialise(linked.cid);
  assert.notEqual(second.path, source);
  await second.release();
});

test('a changed file is found out, by its identity or by its bytes, and named', async (t) => {
  const source = await makeTree(t);
  const { storage } = await startStorage(t, { offline: true });
  const path = join(source, 'big');
  const { cid } = await storage.add(path, { noCopy: true });
  const named = (error: Error & { code?: string }) => {
    assert.equal(error.code, 'NOT_FOUND');
    assert.match(error.message, new RegExp(`files: a file changed after it was read: ${path}: its size or times are others`));
    return true;
  };
  const before = await stat(path);
  const handle = await open(path, 'r+');
  await handle.write(Buffer.from('x'), 0, 1, 3_000_000);
  await handle.close();
  await utimes(path, before.atime, before.mtime);
  await assert.rejects(storage.fetch(cid), named);
  await assert.rejects(storage.materialise(cid), named);
  assert.ok((await storage.locality(cid)).share < 1);
  await rm(path);
  await assert.rejects(storage.fetch(cid), /a file changed after it was read: .*no such file/);

  // Put back by another copy, it is found again once it is added.
  await writeFile(path, randomBytes(100));
  const again = await storage.add(path, { noCopy: true });
  assert.equal((await storage.fetch(again.cid)).blocks, 1);
});

test('a removed reference is forgotten; the files are not touched', async (t) => {
  const source = await makeTree(t);
  const { storage } = await startStorage(t, { offline: true });
  const { cid } = await storage.add(source, { noCopy: true });
  assert.deepEqual((await storage.holdings()).map((holding) => [holding.cid, holding.why, holding.path]), [[cid.toString(), 'referenced', source]]);
  await storage.remove(cid);
  await assert.rejects(storage.remove(cid), { code: 'NOT_FOUND' });
  assert.deepEqual(await storage.holdings(), []);
  await storage.collect();
  await assert.rejects(storage.fetch(cid), { code: 'NOT_FOUND' });
  assert.equal((await readdir(source)).length, 2);
});
