import type { LiveReplica, LiveRun, ReplicaRecord } from '../../node/index.ts';
import { decodeSpec, titleOf, type Resources, type Trace } from '../../protocol/index.ts';

/** Jobs shown, and runs shown of one, of whose shards many may run at once. */
const MAX_JOBS = 20;
const MAX_RUNS = 4;

/** A job that this node works on now. Times ms since the epoch. */
export interface LiveRow {
  jobId: string;
  title: string;
  stage: LiveReplica['stage'];
  since: number;
  /** Of a job of shards, once one has ended. */
  shards: { done: number; of: number } | undefined;
  /** What each run may take. */
  limits: Resources;
  runs: RunRow[];
  /** Runs that are not shown. */
  more: number;
}

/** A run: since when the job itself runs, what it took as far as its engine sees that, and the curve of it. */
export interface RunRow { shard: number | undefined; startedAt: number | undefined; last: NonNullable<LiveRun['last']>['channels']; trace: Trace }

/** What runs, oldest first. */
export function viewLive(live: ReadonlyMap<string, LiveReplica>, records: ReadonlyMap<string, Pick<ReplicaRecord, 'spec'>>): LiveRow[] {
  return [...live].slice(0, MAX_JOBS).flatMap(([jobId, { stage, since, shards, runs }]) => {
    const record = records.get(jobId);
    if (record === undefined) return [];
    const spec = decodeSpec(new TextEncoder().encode(record.spec));
    return [{
      jobId, title: titleOf(spec), stage, since, shards, limits: spec.resources, more: Math.max(0, runs.length - MAX_RUNS),
      runs: runs.slice(0, MAX_RUNS).map((run) => ({ shard: run.shard, startedAt: run.startedAt, last: run.last?.channels ?? {}, trace: run.trace(spec.engine) })),
    }];
  });
}
