import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { renameSync, symlinkSync, writeFileSync } from 'node:fs';
import { chmod, mkdir, open, readdir, readFile, rm, stat, symlink, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { timesToSettleMs } from './settled-times.ts';
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

test('a file replaced while its folder is added: whoever gets the folder gets what its CID names', async (t) => {
  const source = await makeTree(t);
  await mkdir(join(source, 'many'));
  for (let i = 0; i < 300; i++) await writeFile(join(source, 'many', `${i}`), `file ${i}`);
  const { storage } = await startStorage(t, { offline: true });
  const victim = join(source, 'many', '7');
  let replaced = false;
  // The last block of the folder is made when all of its files have been read.
  const added = await storage.add(source, {
    noCopy: true,
    onProgress({ blocks }) {
      if (replaced || blocks < 301) return;
      replaced = true;
      writeFileSync(victim, 'file X');
    },
  });
  assert.equal(replaced, true);
  await assert.rejects(storage.materialise(added.cid), /a file changed after it was read/, 'it is not handed out as it lies now');
});

test('a folder that was swapped for a link between the listing and the reading is left out', async (t) => {
  const source = await makeTree(t);
  const secret = join(await tempDir(t), 'secret');
  await mkdir(secret);
  await writeFile(join(secret, 'key'), 'secret');
  const { storage } = await startStorage(t, { offline: true });
  let swapped = false;
  const added = await storage.add(source, {
    onProgress() {
      // The files of the root come first, then its folders.
      if (swapped) return;
      swapped = true;
      renameSync(join(source, 'a'), join(source, '..', 'moved'));
      symlinkSync(secret, join(source, 'a'));
    },
  });
  assert.equal(added.skipped, 1);
  assert.deepEqual((await storage.ls(added.cid)).map(({ name }) => name), ['big']);
});

test('a pipe, a folder or a link in the place of a referenced file: found out at once, and nobody waits for it', async (t) => {
  const source = await makeTree(t);
  const { storage } = await startStorage(t, { offline: true });
  const path = join(source, 'big');
  const { cid } = await storage.add(path, { noCopy: true });
  const other = join(source, 'other');
  await writeFile(other, randomBytes(5_500_000));
  for (const put of [() => execFileSync('mkfifo', [path]), () => mkdir(path), () => symlink(other, path), () => symlink('/dev/zero', path)]) {
    await rm(path, { recursive: true });
    await put();
    await assert.rejects(storage.fetch(cid, { signal: AbortSignal.timeout(60_000) }), { code: 'NOT_FOUND' });
    assert.ok((await storage.locality(cid)).share < 1);
  }
});

test('times that tell nothing yet are waited for; a clock that was set back is not', () => {
  const at = (ms: number, ns = 1n) => ({ ctimeNs: BigInt(ms) * 1_000_000n + ns });
  const now = 1_700_000_000_000;
  assert.equal(timesToSettleMs(at(now), now), 20);
  assert.equal(timesToSettleMs(at(now - 15), now), 5);
  assert.equal(timesToSettleMs(at(now - 20), now), 0);
  assert.equal(timesToSettleMs(at(now, 0n), now), 2_000, 'whole seconds: the file system keeps no finer ones');
  assert.equal(timesToSettleMs(at(now - 1_500, 0n), now + 1_000), 0);
  for (const ahead of [1, 1_000, 86_400_000]) assert.equal(timesToSettleMs(at(now + ahead), now), 0);
});

test('a file changed within one tick of the clock, and one whose time is in the future: the job never gets other bytes than the CID names', async (t) => {
  const { storage } = await startStorage(t, { offline: true });
  const dir = await tempDir(t);
  const path = join(dir, 'data');
  for (let i = 0; i < 20; i++) {
    writeFileSync(path, 'before');
    if (i % 2 === 1) await utimes(path, new Date(), new Date(Date.now() + 86_400_000));
    const { cid } = await storage.add(path, { noCopy: true });
    writeFileSync(path, 'behind');
    await assert.rejects(storage.materialise(cid), { code: 'NOT_FOUND' });
  }
});
