import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { createStorage } from '../create-storage.ts';
import { LocalBlocks } from '../blocks/local-blocks.ts';
import { randomBlock, startHost, startStorage, tempDir } from '../storage.test-util.ts';
import { verifyBlock } from '../blocks/verify.ts';

const run = promisify(execFile);
const MIB = 1 << 20;

/** Fetches a DAG into a folder, and says so with each block that comes. */
const FETCHER = `
const [storageUrl, utilUrl, cidUrl, dir, cid, ...addresses] = process.argv.slice(1);
const { createStorage } = await import(storageUrl);
const { startHost } = await import(utilUrl);
const { CID } = await import(cidUrl);
const libp2p = await startHost({ after() {} });
const storage = await createStorage({ libp2p }, { dir });
await storage.connect(addresses);
await storage.fetch(CID.parse(cid), { onProgress: ({ blocks }) => process.stdout.write(blocks + '\\n') });
process.stdout.write('done\\n');
`;

test('a process killed in mid-fetch: what came is whole, the rest is fetched, nothing half is left', async (t) => {
  const a = await startStorage(t);
  const content = randomBytes(150 * MIB);
  const { cid, blocks } = await a.storage.addBytes(content);
  const dir = await tempDir(t);
  const urls = ['../create-storage.ts', '../storage.test-util.ts'].map((file) => new URL(file, import.meta.url).href);
  const child = spawn(process.execPath, ['--input-type=module', '-e', FETCHER, ...urls, import.meta.resolve('multiformats/cid'), dir, cid.toString(), ...a.host.getMultiaddrs().map(String)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  t.after(() => child.kill('SIGKILL'));
  let said = '';
  for await (const chunk of child.stdout) {
    said += String(chunk);
    if (said.split('\n').length > 40) break;
  }
  child.kill('SIGKILL');
  if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
  assert.equal(said.includes('done'), false, 'it was over before it was killed');

  const storage = await createStorage({ libp2p: await startHost(t) }, { dir });
  t.after(() => storage.stop());
  assert.deepEqual(await readdir(join(dir, 'blocks', 'tmp')), []);
  const { share } = await storage.locality(cid);
  assert.ok(share > 0.05 && share < 1, `share ${share}`);
  await storage.connect(a.host.getMultiaddrs().map(String));
  const receipt = await storage.fetch(cid);
  const local = receipt.sources.find(({ name }) => name === 'local')!;
  assert.deepEqual(local.errors, []);
  assert.ok(local.blocks >= 10 && local.blocks < blocks);
  assert.equal(receipt.blocks, blocks);
  const out = join(dir, 'out');
  await storage.export(cid, out);
  assert.equal(Buffer.compare(await readFile(out), content), 0);
});

test('a disk that fills up in mid-fetch: said so, what is there is right, and it goes on when there is room', async (t) => {
  const disk = await mkdtemp(join(tmpdir(), 'gadus-storage-'));
  try {
    await run('mount', ['-t', 'tmpfs', '-o', 'size=96m', 'tmpfs', disk]);
  } catch {
    await rm(disk, { recursive: true });
    return t.skip('NOT RUN: a file system of limited size cannot be mounted here');
  }
  let storage: Awaited<ReturnType<typeof createStorage>> | undefined;
  t.after(async () => {
    await storage?.stop();
    await run('umount', [disk]);
    await rm(disk, { recursive: true });
  });
  const a = await startStorage(t);
  const content = randomBytes(200 * MIB);
  const { cid } = await a.storage.addBytes(content);
  // No reserve, so that the disk itself says it is full.
  storage = await createStorage({ libp2p: await startHost(t) }, { dir: join(disk, 'storage'), limits: { reserveBytes: 0 } });
  await storage.connect(a.host.getMultiaddrs().map(String));
  await assert.rejects(storage.fetch(cid), { code: 'DISK_FULL' });
  const blocks = new LocalBlocks(join(disk, 'storage', 'blocks'));
  let held = 0;
  for await (const one of blocks.own()) {
    verifyBlock(one, (await blocks.readOwn(one))!);
    held++;
  }
  assert.ok(held > 20, `${held} blocks`);
  assert.deepEqual(await readdir(join(disk, 'storage', 'blocks', 'tmp')), []);
  await run('mount', ['-o', 'remount,size=600m', disk]);
  const receipt = await storage.fetch(cid);
  const local = receipt.sources.find(({ name }) => name === 'local')!;
  assert.deepEqual([local.blocks, local.errors], [held, []]);
  assert.equal((await storage.locality(cid)).share, 1);
  assert.equal((await storage.locality(randomBlock().cid)).share, 0);
});

test('what came of a fetch that was broken off is tampered with on the disk: noticed, fetched again, and what is written is right', async (t) => {
  const a = await startStorage(t);
  const content = randomBytes(6 * MIB);
  const { cid } = await a.storage.addBytes(content);
  const b = await startStorage(t);
  await b.storage.connect(a.host.getMultiaddrs().map(String));
  const stopped = new AbortController();
  await assert.rejects(b.storage.fetch(cid, { signal: stopped.signal, onProgress: ({ blocks }) => { if (blocks === 4) stopped.abort(new Error('Ctrl-C')); } }), /Ctrl-C/);
  const tampered = await readdir(join(b.dir, 'blocks'), { recursive: true, withFileTypes: true });
  let count = 0;
  for (const entry of tampered) {
    if (!entry.isFile() || !entry.name.endsWith('.data')) continue;
    const path = join(entry.parentPath, entry.name);
    const bytes = await readFile(path);
    // Other bytes, fewer, none: in turn.
    await writeFile(path, [randomBytes(bytes.length), bytes.subarray(1), Buffer.alloc(0)][count++ % 3]!);
  }
  assert.ok(count >= 3, `${count} blocks`);
  const out = join(b.dir, 'out');
  await b.storage.export(cid, out);
  assert.ok((await readFile(out)).equals(content));
});
