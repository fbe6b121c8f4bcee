import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test, type TestContext } from 'node:test';
import { gzipSync } from 'node:zlib';
import { zeroHash } from 'viem';
import { layoutOf, tarOf } from '../../../test/images/layers.ts';
import { createSealKeys, openSealed } from '../../evidence/index.ts';
import { createImageStore, createNoopEngine, ExecutorError, type Engine } from '../../executor/index.ts';
import { isError, parseCid, parseJobSpec, PLAIN_TERMS, type JobRequest, type JobSpecInput } from '../../protocol/index.ts';
import { createStorage, StorageError } from '../../storage/index.ts';
import { LocalBlocks } from '../../storage/blocks/local-blocks.ts';
import { DIRECTORY, node, randomBlock } from '../../storage/storage.test-util.ts';
import { faultOfJob } from './job-fault.ts';
import { runReplica } from './run-replica.ts';

const court = { chainId: 31337, scheduler: '0x5FbDB2315678afecb367f032d93F642f64180aa3' } as const;
const nodes = ['0x70997970C51812dc3A010C7d01b50e0d17dc79C8', '0x3C44CdDdB6a900fa2b585dd299e03d12FA4293BC'] as const;
const keys = await createSealKeys();
const good = tarOf([{ name: 'bin/', type: '5', mode: 0o755 }, { name: 'bin/x', content: 'x', mode: 0o755 }]);

/** A node's storage, images and engine, in a folder of its own; the engine runs nothing, but takes images. */
async function machine(t: Pick<TestContext, 'after'>, address: typeof nodes[number]) {
  const dir = await mkdtemp(join(tmpdir(), 'gadus-fault-'));
  t.after(() => rm(dir, { recursive: true, force: true }));
  const storage = await createStorage({}, { dir: join(dir, 'storage') });
  t.after(() => storage.stop());
  const images = createImageStore({ dir: join(dir, 'images'), maxBytes: 1_000_000, maxEntries: 100 });
  return {
    dir, address, storage, images,
    run(input: Partial<JobSpecInput>, engine: Partial<Engine> = {}) {
      const spec = parseJobSpec({ engine: 'container', command: ['true'], ...input });
      const request: JobRequest = {
        client: address, nonce: 1n, specDigest: zeroHash, replicas: 1, policy: 0, maxPrice: 1n, stake: 1n, minScore: 0, assignWindow: 1, commitWindow: 1, settleWindow: 1,
        disputeWindow: 1, sealKey: keys.publicKey, secretHash: zeroHash, ...PLAIN_TERMS,
      };
      return runReplica({ engine: { ...createNoopEngine(), name: 'container', ...engine }, storage, images }, { court, jobId: zeroHash, node: address, request, spec, signal: new AbortController().signal });
    },
  };
}

type Machine = Awaited<ReturnType<typeof machine>>;

/** What both of two nodes commit to. */
async function onBoth(machines: readonly Machine[], give: (add: (bytes: Uint8Array) => Promise<string>, dir: string) => Promise<Partial<JobSpecInput>>, engine: Partial<Engine> = {}) {
  const outcomes = [];
  for (const { dir, address, storage, images, run } of machines) {
    const before = await images.list();
    const outcome = await run(await give(async (bytes) => (await storage.addBytes(bytes)).cid.toString(), dir), engine);
    const { evidence } = await openSealed({ court, jobId: zeroHash, node: address, privateKey: keys.privateKey, sealed: outcome.sealed, commitment: outcome.commitment });
    const folder = await storage.materialise(parseCid(outcome.resultCid), { signal: new AbortController().signal });
    outcomes.push({ resultCid: outcome.resultCid, exitCode: evidence.exitCode, ended: evidence.ended, sketch: evidence.sketch, stderr: await readFile(join(folder.path, 'stderr'), 'utf8') });
    await folder.release();
    for (const kept of await images.list()) assert.ok(before.includes(kept) || (await readdir(images.rootfs(kept))).includes('bin'), 'a broken image is not kept');
  }
  assert.deepEqual(outcomes[0], outcomes[1]);
  return outcomes[0]!;
}

/** What has the bytes that its CID names, and is no file or folder. */
function hostileInputs() {
  const leaf = randomBlock();
  return [
    ['has a name that climbs', node(DIRECTORY, [{ Name: '../evil', Hash: leaf.cid }]), [leaf]],
    ['has one name twice', node(DIRECTORY, [{ Name: 'x', Hash: leaf.cid }, { Name: 'x', Hash: leaf.cid }]), [leaf]],
    ['is no UnixFS', node(new Uint8Array([255, 255, 255]), []), []],
  ] as const;
}

describe('a job that no node can run', () => {
  const cleanups: (() => unknown)[] = [];
  let machines: Machine[];
  before(async () => { machines = await Promise.all(nodes.map((address) => machine({ after: (cleanup) => void cleanups.push(cleanup as () => unknown) }, address))); });
  after(async () => { for (const cleanup of cleanups.reverse()) await cleanup(); });

  for (const [title, bytes, code] of [
    ['is no archive', Buffer.from('hello world'.repeat(200)), 'IMAGE_INVALID'],
    ['is empty', tarOf([]), 'IMAGE_INVALID'],
    ['is cut short', good.subarray(0, 1100), 'IMAGE_INVALID'],
    ['holds a name that climbs', tarOf([{ name: '../evil', content: 'x' }]), 'IMAGE_INVALID'],
    ['holds a hard link to the host', tarOf([{ name: 'h', type: '1', link: '/etc/passwd' }]), 'IMAGE_INVALID'],
    ['holds a hard link to nothing, named like a full disk', tarOf([{ name: 'h', type: '1', link: 'x: No space left on device' }]), 'IMAGE_INVALID'],
    ['writes through a link', tarOf([{ name: 'out', type: '2', link: '/tmp' }, { name: 'out/evil', content: 'x' }]), 'IMAGE_INVALID'],
    ['has a layer that is no tar', layoutOf([Buffer.from('hello world'.repeat(200))]), 'IMAGE_INVALID'],
    ['has a layer cut short', layoutOf([gzipSync(good).subarray(0, 60)]), 'IMAGE_INVALID'],
    ['lacks a layer', layoutOf([good], (files) => { for (const [name, content] of files) if (content === good) files.delete(name); }), 'IMAGE_INVALID'],
    ['removes what has no name', layoutOf([tarOf([{ name: '.wh...' }])]), 'IMAGE_INVALID'],
    ['unpacks to too much', layoutOf([gzipSync(Buffer.alloc(5_000_000))]), 'IMAGE_TOO_LARGE'],
    ['has too many files', tarOf(Array.from({ length: 200 }, (_, i) => ({ name: `f${i}` }))), 'IMAGE_TOO_LARGE'],
    ['is made for other machines', layoutOf([good], (files) => {
      const index = JSON.parse(String(files.get('index.json'))) as { manifests: object[] };
      files.set('index.json', JSON.stringify({ manifests: index.manifests.map((one) => ({ ...one, platform: { os: 'plan9', architecture: 'mips' } })) }));
    }), 'IMAGE_UNFIT'],
    ['is a module', Buffer.concat([Buffer.from('\0asm'), Buffer.alloc(600, 1)]), 'IMAGE_INVALID'],
  ] as const) {
    test(`because its image ${title}, ends alike on all`, async () => {
      const outcome = await onBoth(machines, async (add) => ({ image: await add(bytes) }));
      assert.deepEqual([outcome.exitCode, outcome.ended], [125, 'exit']);
      assert.match(outcome.stderr, new RegExp(`^gadus: the job cannot be run: [^\\n/]+ \\[${code}\\]\\n$`));
    });
  }

  for (const [title, root, leaves] of hostileInputs()) {
    test(`because an input ${title}, ends alike on all`, async () => {
      const outcome = await onBoth(machines, async (add, dir) => {
        const blocks = new LocalBlocks(join(dir, 'storage/blocks'));
        for (const block of [...leaves, root]) await blocks.put(block.cid, block.bytes);
        return { image: await add(good), inputs: [{ source: root.cid.toString(), target: '/inputs/x' }] };
      });
      assert.deepEqual([outcome.exitCode, outcome.ended], [125, 'exit']);
    });
  }

  test('because spec and image do not go together, ends alike on all', async () => {
    const unfit = { run: () => Promise.reject(new ExecutorError('JOB_UNFIT', 'nothing can be mounted there', { details: '/work' })) };
    const outcome = await onBoth(machines, async (add) => ({ image: await add(good) }), unfit);
    assert.equal(outcome.exitCode, 125);
  });
});

describe('a node that cannot run a job', () => {
  test('does not commit to what it could not fetch', async (t) => {
    const { run } = await machine(t, nodes[0]);
    await assert.rejects(run({ image: 'bafkreifjjcie6lypi6ny7amxnfftagclbuxndqonfipmb64f2km2devei4' }), (error) => isError(error, 'NOT_FOUND'));
  });

  test('does not commit to its own want of room', async (t) => {
    const { dir, storage, run } = await machine(t, nodes[0]);
    const image = (await storage.addBytes(tarOf([{ name: 'x', content: 'x'.repeat(500_000) }]))).cid.toString();
    await mkdir(join(dir, 'images'));
    try {
      execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=100k', 'none', join(dir, 'images')], { stdio: 'ignore' });
    } catch {
      return t.skip('NOT RUN: a file system of limited size cannot be mounted here');
    }
    try {
      await assert.rejects(run({ image }), (error) => isError(error, 'NO_SPACE'));
      const layers = (await storage.addBytes(layoutOf([gzipSync(tarOf([{ name: 'x', content: 'x'.repeat(500_000) }]))]))).cid.toString();
      await assert.rejects(run({ image: layers }), (error) => isError(error, 'NO_SPACE'));
      assert.deepEqual(await readdir(join(dir, 'images')), []);
    } finally {
      execFileSync('umount', [join(dir, 'images')]);
    }
    return undefined;
  });

  test('does not commit to a file that its owner changed', async (t) => {
    const { dir, storage, images, run } = await machine(t, nodes[0]);
    const file = join(dir, 'image.tar');
    await writeFile(file, good, { mode: 0o644 });
    const image = (await storage.add(file, { noCopy: true })).cid.toString();
    const { unpack } = images;
    images.unpack = async (...args) => {
      await writeFile(file, 'no image any more');
      return unpack(...args);
    };
    await assert.rejects(run({ image }), (error) => isError(error, 'FILE_CHANGED'));
    assert.deepEqual(await images.list(), []);
  });

  test('tells by the code whose fault it is', () => {
    for (const code of ['TOOL_FAILED', 'TOOL_MISSING', 'NO_SPACE', 'IMAGE_MISSING', 'START_FAILED', 'SCRATCH_FAILED', 'ABORTED', 'REQUEST_INVALID'] as const) assert.equal(faultOfJob(new ExecutorError(code, 'x')), undefined, code);
    for (const code of ['NOT_FOUND', 'STALLED', 'DISK_FULL', 'FILE_CHANGED', 'LIMIT_EXCEEDED'] as const) assert.equal(faultOfJob(new StorageError(code, 'x')), undefined, code);
    assert.equal(faultOfJob(new Error('x')), undefined);
    assert.equal(faultOfJob(new StorageError('ENTRY_HOSTILE', 'a link leads out', { details: '/on/this/machine' })), 'gadus: the job cannot be run: a link leads out [ENTRY_HOSTILE]\n');
  });
});
