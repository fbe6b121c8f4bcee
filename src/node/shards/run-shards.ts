import { randomBytes } from 'node:crypto';
import { bytesToHex, type Hex } from 'viem';
import {
  decodeEvidence, encodeManifest, evidenceDigest, requireOwn, requireShardRoom, sealEvidence, sealResult, shardedOpeningOf, shardInterval, type ShardManifest,
} from '../../evidence/index.ts';
import { anySignal, isError, messageOf, parseCid, SHARD_INDEX, shardedCommitment, shardName, sketchRootOf, type Evidence } from '../../protocol/index.ts';
import { readShardPlan, type Materialised, type Receipt, type Storage } from '../../storage/index.ts';
import { SAMPLE_INTERVAL_MS } from '../constants.ts';
import { NodeError } from '../errors.ts';
import { MAX_ATTEMPTS } from '../replica-record.ts';
import { faultOfJob } from '../replica/job-fault.ts';
import { readyImage, type ReplicaOutcome, type RunReplicaComponents, type RunReplicaInit } from '../replica/run-replica.ts';
import { prefixedLog } from './prefixed-log.ts';
import { runShard, type SharedParts } from './run-shard.ts';
import type { FinishedShard, ShardStore } from './shard-store.ts';

export interface RunShardsInit extends RunReplicaInit {
  store: ShardStore;
  /** Shards that may run side by side. */
  atOnce: number;
  /** Runs a shard when the machine has room for it. */
  enter<T>(task: () => Promise<T>, signal: AbortSignal): Promise<T>;
  /** Until when the folder of a shard stays for its own sake, Unix time in ms. */
  keepUntil: number;
  onShard?: (progress: ShardProgress) => void;
}

/** Told after each shard. */
export interface ShardProgress { shard: number; exitCode: number; ended: Evidence['ended']; done: number; of: number }

/** What of a finished shard the commitment is made from. */
interface Summary extends Pick<Evidence, 'resultCid' | 'encryptedResultCid' | 'exitCode' | 'ended' | 'sketch'> { digest: Hex; evidenceBytes: number; bytes: number; publishedBytes: number }

/**
 * Runs all shards of a replica, as many at a time as there is room for, each like a replica of its own; those that had finished before this
 * process began are not run again. The result is a directory with a folder for each, the commitment one over all.
 *
 * @throws as `runReplica`; NodeError SHARDS_DIFFER when the spec and the request have different numbers of them
 */
export async function runShards(components: RunReplicaComponents, init: RunShardsInit): Promise<ReplicaOutcome> {
  const { spec, store, onStage, onShard } = init;
  const { engine, storage } = components;
  const held: { release(): Promise<void> | void }[] = [];
  // The first shard that fails ends the others.
  const failed = new AbortController();
  const signal = anySignal(init.signal, failed.signal);
  try {
    onStage?.('fetching');
    const receipts: Receipt[] = [];
    const inputs: Materialised[] = [];
    const image = await (async () => {
      const ready = await readyImage(components, spec.image, receipts, signal);
      held.push(ready);
      for (const { source } of spec.inputs) {
        const input = await storage.materialise(parseCid(source), { signal });
        held.push(input);
        inputs.push(input);
        receipts.push(input.receipt);
      }
      return ready;
    })().catch((fault: unknown) => {
      if (signal.aborted || faultOfJob(fault) === undefined) throw fault;
      return { fault };
    });
    const plan = await readShardPlan(storage, spec, { signal });
    requireCount(plan.count, init.request);
    const shared: SharedParts = {
      engine, storage, image, keepUntil: init.keepUntil, ...(init.onFault && { onFault: init.onFault }),
      inputs: inputs.map(({ path }, i) => ({ path, target: spec.inputs[i]!.target })),
      sampleIntervalMs: shardInterval(SAMPLE_INTERVAL_MS, { count: plan.count, timeoutMs: spec.resources.timeoutMs }),
    };

    onStage?.('running');
    const summaries = await finishedBefore(components, init, plan.count);
    let evidenceBytes = [...summaries.values()].reduce((sum, summary) => sum + summary.evidenceBytes, 0);
    const waiting = Array.from({ length: plan.count }, (_, index) => index).filter((index) => !summaries.has(index));
    const work = async () => {
      for (let index = waiting.shift(); index !== undefined; index = waiting.shift()) {
        const shard = plan.shard(index);
        const log = init.onLog && prefixedLog(`${shardName(index)} `, init.onLog);
        const finished = await patiently(() => init.enter(() => runShard(shared, init, spec, shard, signal, log?.write.bind(log)), signal), signal);
        log?.end();
        const summary = summaryOf(finished);
        requireShardRoom(index, summary.evidenceBytes, evidenceBytes);
        evidenceBytes += summary.evidenceBytes;
        await store.put(index, finished);
        summaries.set(index, summary);
        onShard?.({ shard: index, exitCode: summary.exitCode, ended: summary.ended, done: summaries.size, of: plan.count });
      }
    };
    const workers = Array.from({ length: Math.min(init.atOnce, waiting.length) }, () => work().catch((error: unknown) => {
      failed.abort(error);
      throw error;
    }));
    // All have ended before what they use is let go.
    for (const outcome of await Promise.allSettled(workers)) if (outcome.status === 'rejected') throw failed.signal.reason;
    // An input that lies where its owner may write to it proves nothing unless it held still.
    for (const used of [...inputs, ...('fault' in image ? [] : [image])]) await used.check();

    onStage?.('publishing');
    return { receipts, ...(await seal(components, init, Array.from({ length: plan.count }, (_, index) => summaries.get(index)!), signal)) };
  } finally {
    for (const resource of held.reverse()) await resource.release();
  }
}

/** @throws NodeError SHARDS_DIFFER */
export function requireCount(count: number, { shards }: { shards: number }): void {
  if (count === shards) return;
  throw new NodeError('SHARDS_DIFFER', 'the request and the spec disagree on the number of shards', {
    details: `${shards} in the request, ${count} by the spec and the directory it splits`,
  });
}

/** What an earlier process of this node finished, if its results are still here. */
async function finishedBefore({ storage }: RunReplicaComponents, { store, jobId, node, signal, keepUntil }: RunShardsInit, count: number): Promise<Map<number, Summary>> {
  const summaries = new Map<number, Summary>();
  for (const index of await store.finished()) {
    signal.throwIfAborted();
    try {
      const finished = await store.get(index);
      requireOwn(decodeEvidence(finished.evidence), { jobId, node });
      const summary = summaryOf(finished);
      const cid = parseCid(summary.encryptedResultCid ?? summary.resultCid);
      if (index < count && (await storage.locality(cid, { signal })).share === 1) {
        await storage.keepUntil(cid, keepUntil);
        summaries.set(index, summary);
        continue;
      }
    } catch {
      signal.throwIfAborted();
    }
    await store.remove(index);
  }
  return summaries;
}

function summaryOf({ evidence: encoded, bytes, publishedBytes }: FinishedShard): Summary {
  const { resultCid, encryptedResultCid, exitCode, ended, sketch } = decodeEvidence(encoded);
  return { resultCid, ...(encryptedResultCid !== undefined && { encryptedResultCid }), publishedBytes, exitCode, ended, sketch, digest: evidenceDigest(encoded), evidenceBytes: encoded.length, bytes };
}

/** An engine that fails once may have met a crowded machine; of so many shards one would, and all would be lost. */
async function patiently<T>(run: () => Promise<T>, signal: AbortSignal): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await run();
    } catch (error) {
      signal.throwIfAborted();
      if (attempt >= MAX_ATTEMPTS || !isError(error, 'START_FAILED', 'START_TIMEOUT', 'SCRATCH_FAILED')) {
        throw new NodeError('REPLICA_FAILED', 'a shard could not be run', { details: messageOf(error), cause: error });
      }
    }
  }
}

/**
 * The directory of all shards' results. Where those are encrypted it is, too, and so beside them in the directory that is published.
 */
async function publishAll(storage: Storage, { court, jobId, node, request, spec, keepUntil }: RunShardsInit, shards: readonly Summary[], signal: AbortSignal): Promise<Pick<Evidence, 'resultCid' | 'encryptedResultCid'>> {
  const folders = shards.map(({ resultCid, bytes }, index) => ({ name: shardName(index), cid: parseCid(resultCid), bytes }));
  if (spec.result?.encrypt !== true) return { resultCid: (await storage.addDirectory(folders, { signal, why: 'result' })).cid.toString() };
  const index = await storage.addSealedDirectory(folders, {
    seal: (car, result) => sealResult(car, { court, jobId, node, sealKey: request.sealKey, resultCid: result.toString() }), signal,
  });
  await storage.keepUntil(index.cid, keepUntil);
  const files = shards.map(({ encryptedResultCid, publishedBytes }, shard) => ({ name: shardName(shard), cid: parseCid(encryptedResultCid!), bytes: publishedBytes }));
  const { cid } = await storage.addDirectory([...files, { name: SHARD_INDEX, cid: index.cid, bytes: index.bytes }], { signal, why: 'result' });
  return { resultCid: index.plain.toString(), encryptedResultCid: cid.toString() };
}

async function seal({ storage }: RunReplicaComponents, init: RunShardsInit, shards: readonly Summary[], signal: AbortSignal): Promise<Omit<ReplicaOutcome, 'receipts'>> {
  const { court, jobId, node, request, store } = init;
  const published = await publishAll(storage, init, shards, signal);
  const sketches = shards.map(({ sketch }) => sketch);
  await store.putSketches(sketches);
  const manifest: ShardManifest = {
    version: 1, jobId, node, ...published, sketchRoot: sketchRootOf(sketches), shards: shards.map(({ digest, bytes }) => ({ digest, bytes })),
  };
  const encoded = encodeManifest(manifest);
  const salt = bytesToHex(randomBytes(32));
  const opening = shardedOpeningOf(manifest, encoded, salt);
  // That of the first shard that did not end well: what is worth a look.
  const first = shards.find(({ exitCode }) => exitCode !== 0) ?? shards[0]!;
  return {
    ...published, exitCode: first.exitCode, ended: first.ended,
    // Which shard's sketch an opening has is decided in a dispute: see `openingFor`.
    opening: { resultDigest: opening.resultDigest, evidenceDigest: opening.evidenceDigest, salt, sketch: '0x', proof: [] },
    commitment: shardedCommitment(jobId, node, opening),
    sealed: await sealEvidence({ court, jobId, node, sealKey: request.sealKey, evidence: encoded, opening: { salt } }),
  };
}
