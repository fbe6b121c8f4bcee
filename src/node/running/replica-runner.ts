import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Hex } from 'viem';
import { signCommitment } from '../../chain/index.ts';
import { decodeSpec, messageOf, type LogChunk } from '../../protocol/index.ts';
import { chooseEngine } from '../bidding/bid-policy.ts';
import { machineNeeds } from '../bidding/machine-needs.ts';
import type { NodeComponents, NodeInit } from '../components.ts';
import { AGAIN_WINDOW_SHARE } from '../constants.ts';
import { NodeError } from '../errors.ts';
import { LiveReplica } from './live-replica.ts';
import { LogHub } from './log-hub.ts';
import type { ReplicaRecord } from '../replica-record.ts';
import { RunQueue } from './run-queue.ts';
import { runReplica, type RunReplicaInit } from '../replica/run-replica.ts';
import { runShards } from '../shards/run-shards.ts';
import { ShardStore } from '../shards/shard-store.ts';
import { shardsAtOnce } from '../shards/shards-at-once.ts';
import { shardLine } from '../shards/shard-line.ts';

/** Runs replicas as the machine has room, keeps their logs and sealed evidence, and ends them on demand. */
export class ReplicaRunner {
  readonly #components: NodeComponents;
  readonly #init: NodeInit;
  readonly #queue: RunQueue;
  readonly #running = new Map<Hex, { controller: AbortController; done: Promise<unknown> }>();
  readonly #live = new Map<Hex, LiveReplica>();
  #stopped: string | undefined;
  readonly #hubs = new Map<Hex, LogHub>();

  constructor(components: NodeComponents, init: NodeInit) {
    this.#components = components;
    this.#init = init;
    this.#queue = new RunQueue(init.offer);
  }

  get load(): { running: number; waiting: number } {
    return { running: this.#queue.running, waiting: this.#queue.waiting };
  }

  /** What runs now, and what waits for room. */
  get live(): ReadonlyMap<Hex, LiveReplica> {
    return this.#live;
  }

  isRunning(jobId: Hex): boolean {
    return this.#running.has(jobId);
  }

  /** Runs the record's replica; resolves with its signed outcome. Aborts with `abort(jobId)`. @throws NodeError REPLICA_FAILED once stopped */
  async run(record: ReplicaRecord): Promise<NonNullable<ReplicaRecord['outcome']>> {
    if (this.#stopped !== undefined) throw ended(this.#stopped);
    const controller = new AbortController();
    const done = this.#run(record, controller.signal).finally(() => {
      this.#running.delete(record.jobId);
      this.#live.delete(record.jobId);
      this.#hub(record.jobId).end();
    });
    this.#running.set(record.jobId, { controller, done });
    return done;
  }

  /** Ends a run in progress, if there is one, and waits until nothing of it is left. */
  async abort(jobId: Hex, reason: string): Promise<void> {
    const entry = this.#running.get(jobId);
    if (entry === undefined) return;
    entry.controller.abort(ended(reason));
    await entry.done.catch(() => {});
  }

  /** Ends all runs and begins no other: what is on its way to `run` now must not start what nobody will end. */
  async stop(reason: string): Promise<void> {
    this.#stopped = reason;
    await Promise.all([...this.#running.keys()].map((jobId) => this.abort(jobId, reason)));
  }

  /**
   * The replica's log. Before the run begins it is empty and waits for it: a client may know of the draw earlier than this node. Undefined
   * when the run is over and was not of this process.
   */
  logOf({ jobId, outcome, failure, finished }: ReplicaRecord): LogHub | undefined {
    const over = outcome !== undefined || failure !== undefined || finished !== undefined;
    return over ? this.#hubs.get(jobId) : this.#hub(jobId);
  }

  sealedEvidence(jobId: Hex): Promise<Uint8Array> {
    return readFile(this.#sealedPath(jobId));
  }

  /** What the windows of a replica are cut from. */
  windowSource(jobId: Hex): Promise<Uint8Array> {
    return readFile(this.#windowsPath(jobId));
  }

  /** The finished shards of a replica. */
  shardStore(jobId: Hex): ShardStore {
    return new ShardStore(join(this.#init.dir, 'evidence'), jobId);
  }

  /** Drops the log, the sealed evidence, the shards and the windows of a job that is over. */
  async forget(jobId: Hex): Promise<void> {
    this.#hubs.get(jobId)?.end();
    this.#hubs.delete(jobId);
    await rm(this.#sealedPath(jobId), { force: true });
    await rm(this.#windowsPath(jobId), { force: true });
    await this.shardStore(jobId).remove();
  }

  async #run(record: ReplicaRecord, signal: AbortSignal): Promise<NonNullable<ReplicaRecord['outcome']>> {
    const { chain, court, engines, log } = this.#components;
    const { address } = this.#init;
    const { jobId, request } = record;
    const spec = decodeSpec(new TextEncoder().encode(record.spec));
    const engine = chooseEngine(spec, engines);
    if (engine === undefined) throw new NodeError('NO_ENGINE', `no engine here runs ${spec.engine} jobs`);
    const needs = machineNeeds(engine, spec.resources);
    const hub = this.#hub(jobId);
    const live = new LiveReplica();
    this.#live.set(jobId, live);

    const components = { ...this.#components, engine };
    const init: RunReplicaInit = {
      court, jobId, node: address, request, spec, signal,
      againUntil: Date.now() + request.commitWindow * 1000 * AGAIN_WINDOW_SHARE,
      onAgain: (why) => {
        hub.write('info', new TextEncoder().encode(`${why}\n`));
        log('info', 'replica', { jobId, stage: 'running', why });
      },
      onFault: (why) => {
        hub.write('info', new TextEncoder().encode(`the job cannot be run: ${why}\n`));
        log('warn', 'replica', { jobId, stage: 'fault', why });
      },
      watch: (shard) => live.watch(shard),
      onStage: (stage) => {
        live.enter(stage);
        hub.write('info', new TextEncoder().encode(`${stage}\n`));
        log('info', 'replica', { jobId, stage });
      },
      ...(this.#init.liveLogs ? { onLog: (stream: LogChunk['stream'], data: Uint8Array) => hub.write(stream, data) } : {}),
    };
    const outcome = await (spec.shards === undefined ? this.#queue.run(needs, () => runReplica(components, init), signal) : runShards(components, {
      ...init, store: this.shardStore(jobId), atOnce: shardsAtOnce({ resources: needs }, this.#init.offer),
      keepUntil: Date.now() + request.commitWindow * 1000 + this.#init.keepResultsMs,
      enter: (task, until) => this.#queue.run(needs, task, until),
      onShard: (progress) => {
        live.ended(progress);
        hub.write('info', new TextEncoder().encode(shardLine(progress)));
        log('info', 'shard', { jobId, ...progress });
      },
    }));

    await mkdir(join(this.#init.dir, 'evidence'), { recursive: true, mode: 0o700 });
    if (outcome.windowSource !== undefined) await writeFile(this.#windowsPath(jobId), outcome.windowSource, { mode: 0o600 });
    await writeFile(this.#sealedPath(jobId), outcome.sealed, { mode: 0o600 });
    const { resultCid, encryptedResultCid, exitCode, opening, commitment, receipts } = outcome;
    const signature = await signCommitment(chain.signer(), court, { jobId, node: address, commitment });
    log('info', 'replica', { jobId, stage: 'ended', exitCode, ended: outcome.ended, resultCid });
    return { resultCid, ...(encryptedResultCid === undefined ? {} : { encryptedResultCid }), exitCode, opening, commitment, signature, receipts };
  }

  #hub(jobId: Hex): LogHub {
    const hub = this.#hubs.get(jobId) ?? new LogHub();
    this.#hubs.set(jobId, hub);
    return hub;
  }

  #sealedPath(jobId: Hex): string {
    return join(this.#init.dir, 'evidence', `${jobId}.sealed`);
  }

  #windowsPath(jobId: Hex): string {
    return join(this.#init.dir, 'evidence', `${jobId}.windows`);
  }
}

function ended(reason: string): NodeError {
  return new NodeError('REPLICA_FAILED', 'the run was ended', { details: reason });
}

/** Why a run failed, for the journal and the diary. */
export function failureOf(error: unknown): string {
  return messageOf(error).slice(0, 500);
}
