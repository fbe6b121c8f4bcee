import assert from 'node:assert/strict';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { zeroHash } from 'viem';
import { createSealKeys, openManifest, openResult } from '../../evidence/index.ts';
import { createNoopEngine, ExecutorError, type Engine, type ImageStore, type RunRequest } from '../../executor/index.ts';
import { isError, parseCid, parseJobSpec, PLAIN_TERMS, type JobRequest, type JobSpecInput } from '../../protocol/index.ts';
import { createStorage, type Storage } from '../../storage/index.ts';
import { LocalBlocks } from '../../storage/blocks/local-blocks.ts';
import { cidOf, DIRECTORY, node } from '../../storage/storage.test-util.ts';
import { RunQueue } from '../running/run-queue.ts';
import { runShards, type RunShardsInit, type ShardProgress } from './run-shards.ts';
import { ShardStore } from './shard-store.ts';

const court = { chainId: 31337, scheduler: '0x5FbDB2315678afecb367f032d93F642f64180aa3' } as const;
const address = '0x70997970C51812dc3A010C7d01b50e0d17dc79C8';
const keys = await createSealKeys();

/** A spec but for what all have here. */
type Work = Omit<JobSpecInput, 'command'>;

interface Bench { storage: Storage; dir: string; run(spec: Work, shards: number, engine: Engine, changes?: Partial<RunShardsInit>): ReturnType<typeof runShards>; store: ShardStore; progress: ShardProgress[] }

async function bench(t: TestContext): Promise<Bench> {
  const dir = await mkdtemp(join(tmpdir(), 'gadus-shards-'));
  t.after(() => rm(dir, { recursive: true, force: true }));
  const storage = await createStorage({}, { dir: join(dir, 'storage') });
  t.after(() => storage.stop());
  const store = new ShardStore(join(dir, 'evidence'), zeroHash);
  const progress: ShardProgress[] = [];
  return {
    storage, dir, store, progress,
    run(input, shards, engine, changes = {}) {
      const spec = parseJobSpec({ engine: 'noop', command: ['true'], ...input });
      const request: JobRequest = {
        client: address, nonce: 1n, specDigest: zeroHash, replicas: 1, policy: 0, maxPrice: 1n, stake: 1n, minScore: 0, assignWindow: 1, commitWindow: 1, settleWindow: 1,
        disputeWindow: 1, sealKey: keys.publicKey, secretHash: zeroHash, ...PLAIN_TERMS, shards,
      };
      const queue = new RunQueue({ cpus: 2, memoryBytes: 2 ** 30, diskBytes: 2 ** 40 });
      const { signal } = new AbortController();
      return runShards({ engine, storage, images: {} as ImageStore }, {
        court, jobId: zeroHash, node: address, request, spec, store, atOnce: 2, keepUntil: Date.now() + 60_000, signal,
        enter: (task, until) => queue.run(spec.resources, task, until), onShard: (one) => progress.push(one), ...changes,
      });
    },
  };
}

/** The engine that runs nothing, watched. */
function watched(onRun: (request: RunRequest, running: number) => Promise<void> | void = () => {}): Engine & { runs: RunRequest[]; released: number } {
  const engine = createNoopEngine();
  let running = 0;
  const seen = {
    ...engine, runs: [] as RunRequest[], released: 0,
    async run(request: RunRequest) {
      seen.runs.push(request);
      running++;
      try {
        await onRun(request, running);
        const result = await engine.run(request);
        return { ...result, release: async () => { seen.released++; await result.release(); } };
      } finally {
        running--;
      }
    },
  };
  return seen;
}

const shardOf = ({ spec }: RunRequest): number => Number(spec.env.GADUS_SHARD);

test('every shard is run once, so many at a time, with its own files only; one manifest is committed to', async (t) => {
  const { storage, dir, run, progress, store } = await bench(t);
  const folder = join(dir, 'folder');
  await mkdir(join(folder, 'b'), { recursive: true });
  for (const name of ['a', 'b/c', 'd', 'e', 'f']) await writeFile(join(folder, name), name);
  const { cid } = await storage.add(folder);
  let most = 0;
  const engine = watched(async (_request, running) => {
    most = Math.max(most, running);
    await new Promise((resolve) => { setImmediate(resolve); });
  });
  const spec: Work = { inputs: [{ source: cid.toString(), target: '/data' }], shards: { by: 'file', filesPerShard: 2 } };
  const outcome = await run(spec, 3, engine);
  assert.ok(most <= 2);
  assert.equal(engine.released, 3);
  const targets = engine.runs.toSorted((a, b) => shardOf(a) - shardOf(b)).map(({ inputs }) => inputs.map(({ target }) => target));
  assert.deepEqual(targets, [['/data/a', '/data/b/c'], ['/data/d', '/data/e'], ['/data/f']]);
  assert.equal(new Set(engine.runs.map(({ id }) => id)).size, 3);
  assert.deepEqual(progress.map(({ done, of }) => [done, of]), [[1, 3], [2, 3], [3, 3]]);
  assert.deepEqual(await store.finished(), [0, 1, 2]);
  const manifest = await openManifest({ court, jobId: zeroHash, node: address, privateKey: keys.privateKey, sealed: outcome.sealed, commitment: outcome.commitment, shards: 3 });
  assert.equal(manifest.resultCid, outcome.resultCid);
});

test('where no node can run the job, each shard says so', async (t) => {
  const { storage, run, dir } = await bench(t);
  const hostile = node(DIRECTORY, [{ Name: '../evil', Hash: cidOf(new Uint8Array(1)) }]);
  const blocks = new LocalBlocks(join(dir, 'storage/blocks'));
  await blocks.put(cidOf(new Uint8Array(1)), new Uint8Array(1));
  await blocks.put(hostile.cid, hostile.bytes);
  const engine = watched();
  const inputs = [{ source: hostile.cid.toString(), target: '/data' }];
  const all = await run({ inputs, shards: { by: 'count', count: 3 } }, 3, engine);
  assert.deepEqual([all.exitCode, all.ended, engine.runs.length], [125, 'exit', 0]);
  const folder = await storage.export(parseCid(all.resultCid), join(dir, 'all')).then(() => join(dir, 'all'));
  for (const shard of ['0000', '0001', '0002']) assert.match(await readFile(join(folder, shard, 'stderr'), 'utf8'), /^gadus: the job cannot be run: .* \[ENTRY_HOSTILE\]\n$/);
});

test('a shard that alone cannot be run says so alone', async (t) => {
  const { storage, run, dir, progress } = await bench(t);
  const good = (await storage.addBytes(new Uint8Array(10))).cid.toString();
  const hostile = node(DIRECTORY, [{ Name: '../evil', Hash: parseCid(good) }]);
  await new LocalBlocks(join(dir, 'storage/blocks')).put(hostile.cid, hostile.bytes);
  const list = [good, hostile.cid.toString(), good].map((source) => ({ inputs: [{ source, target: '/own' }] }));
  const outcome = await run({ shards: { by: 'list', list } }, 3, watched());
  assert.equal(outcome.exitCode, 125);
  assert.deepEqual(progress.toSorted((a, b) => a.shard - b.shard).map(({ exitCode }) => exitCode), [0, 125, 0]);
});

test('after an end in the middle only what is missing or damaged is run, and the result is the same', async (t) => {
  const whole = await (await bench(t)).run({ shards: { by: 'count', count: 12 } }, 12, watched());
  const { dir, run, store } = await bench(t);
  const stop = new AbortController();
  let begun = 0;
  const first = watched(() => { if (++begun === 6) stop.abort(new Error('power cut')); });
  await assert.rejects(run({ shards: { by: 'count', count: 12 } }, 12, first, { signal: stop.signal }), /power cut/);
  const done = await store.finished();
  assert.ok(done.length >= 3 && done.length < 12, String(done));
  // One was cut off by the disk, and one is a draft that never got its name.
  const files = join(dir, 'evidence', `${zeroHash}.shards`);
  await writeFile(join(files, String(done[0]).padStart(4, '0')), 'damaged');
  await writeFile(join(files, '.0011'), 'half');
  const again = watched();
  const outcome = await run({ shards: { by: 'count', count: 12 } }, 12, again);
  const kept = done.slice(1);
  assert.deepEqual(again.runs.map(shardOf).sort((a, b) => a - b), Array.from({ length: 12 }, (_, i) => i).filter((i) => !kept.includes(i)));
  assert.equal(outcome.resultCid, whole.resultCid);
});

test('a shard whose result is gone is run again', async (t) => {
  const { storage, run, store } = await bench(t);
  const spec: Work = { shards: { by: 'count', count: 2 } };
  const { resultCid } = await run(spec, 2, watched());
  for (const { cid } of await storage.holdings()) await storage.remove(parseCid(cid));
  await storage.collect();
  assert.equal((await store.finished()).length, 2);
  const again = watched();
  assert.equal((await run(spec, 2, again)).resultCid, resultCid);
  assert.equal(again.runs.length, 2);
});

test('an engine that fails on one shard ends them all, once it has failed twice; nothing is left running', async (t) => {
  const { run } = await bench(t);
  const tries = new Map<number, number>();
  const failing = (times: number) => watched((request) => {
    const shard = shardOf(request);
    tries.set(shard, (tries.get(shard) ?? 0) + 1);
    if (shard === 1 && tries.get(1)! <= times) throw new ExecutorError('START_TIMEOUT', 'too slow');
  });
  await assert.rejects(run({ shards: { by: 'count', count: 50 } }, 50, failing(9)), (error) => isError(error, 'REPLICA_FAILED') && /too slow/.test(error.message));
  assert.equal(tries.get(1), 2);
  assert.ok(tries.size < 50);
  tries.clear();
  await run({ shards: { by: 'count', count: 3 } }, 3, failing(1));
});

test('another number of shards than the request has is refused before anything is run', async (t) => {
  const { run } = await bench(t);
  const engine = watched();
  await assert.rejects(run({ shards: { by: 'count', count: 3 } }, 4, engine), { code: 'SHARDS_DIFFER' });
  assert.equal(engine.runs.length, 0);
});

test('ids of runs fit an engine, and drafts are not taken for shards', async (t) => {
  const { run, dir } = await bench(t);
  const engine = watched();
  await run({ shards: { by: 'count', count: 1 } }, 1, engine);
  assert.match(engine.runs[0]!.id, /^[a-z0-9-]{1,60}$/);
  assert.deepEqual((await readdir(join(dir, 'evidence', `${zeroHash}.shards`))).sort(), ['0000', 'sketches']);
});

test('encrypted: the same result as in the clear, of which nothing is here but files for its client; what is finished is not run again', async (t) => {
  const work: Work = { shards: { by: 'count', count: 4 } };
  const clear = await (await bench(t)).run(work, 4, watched());
  const { storage, dir, run } = await bench(t);
  const hidden: Work = { ...work, result: { encrypt: true } };
  const outcome = await run(hidden, 4, watched());
  assert.equal(outcome.resultCid, clear.resultCid);
  const manifest = await openManifest({ court, jobId: zeroHash, node: address, privateKey: keys.privateKey, sealed: outcome.sealed, commitment: outcome.commitment, shards: 4 });
  assert.equal(manifest.encryptedResultCid, outcome.encryptedResultCid);
  assert.equal((await storage.locality(parseCid(outcome.resultCid))).blocks, 0);
  const files = parseCid(outcome.encryptedResultCid!);
  assert.equal((await storage.locality(files)).share, 1);
  assert.deepEqual((await storage.ls(files)).map(({ name }) => name), ['0000', '0001', '0002', '0003', 'index']);
  const open = (resultCid: string) => (sealed: AsyncIterable<Uint8Array>) => openResult(sealed, { court, jobId: zeroHash, node: address, privateKey: keys.privateKey, resultCid });
  const folders = new Map<string, string>();
  await storage.exportUnsealed(join(dir, 'one'), async (unsealing) => {
    const root = parseCid(outcome.resultCid);
    await unsealing.take(await storage.entry(files, 'index'), root, open(outcome.resultCid));
    for (const [name, cid] of await unsealing.entries(root)) folders.set(name, cid.toString());
    const one = parseCid(folders.get('0002')!);
    await unsealing.take(await storage.entry(files, '0002'), one, open(folders.get('0002')!));
    return one;
  });
  assert.deepEqual([...folders.keys()], ['0000', '0001', '0002', '0003']);
  const again = watched();
  assert.equal((await run(hidden, 4, again)).resultCid, clear.resultCid);
  assert.equal(again.runs.length, 0);
});

test('who looks on sees each shard as a run of its own', async (t) => {
  const { run } = await bench(t);
  const seen = new Map<number | undefined, number>();
  const engine = watched(({ onSample }) => onSample?.({ t: 1, channels: {} }));
  await run({ shards: { by: 'count', count: 3 } }, 3, engine, {
    watch: (shard) => ({ onStart: () => {}, onSample: () => { seen.set(shard, (seen.get(shard) ?? 0) + 1); } }),
  });
  assert.deepEqual([...seen].sort(), [[0, 1], [1, 1], [2, 1]]);
});
