import type { RunRequest } from '../../executor/index.ts';
import { LiveRun } from './live-run.ts';
import type { ReplicaStage } from '../replica/run-replica.ts';

/** A replica of this node at work: how far it is, and its runs as they are seen now. All of it is forgotten with its end. */
export class LiveReplica {
  /** `waiting`: for room on this machine. */
  stage: 'waiting' | ReplicaStage = 'waiting';
  /** Since when, ms since the epoch. */
  since = Date.now();
  /** Of a job of shards. */
  shards: { done: number; of: number } | undefined;
  readonly #runs = new Map<number | undefined, LiveRun>();

  /** Those of now; of one replica the only one stays in sight until it is published. */
  get runs(): readonly LiveRun[] {
    return [...this.#runs.values()];
  }

  enter(stage: ReplicaStage): void {
    this.stage = stage;
    this.since = Date.now();
  }

  /** A run begins, or begins again. */
  watch(shard?: number): Required<Pick<RunRequest, 'onStart' | 'onSample'>> {
    const run = new LiveRun(shard);
    this.#runs.set(shard, run);
    return { onStart: () => run.start(), onSample: (sample) => run.take(sample) };
  }

  /** A shard has ended. */
  ended({ shard, ...shards }: { shard: number; done: number; of: number }): void {
    this.#runs.delete(shard);
    this.shards = { done: shards.done, of: shards.of };
  }
}
