import type { ReplicaRecord } from '../replica-record.ts';
import type { ReplicaRunner } from './replica-runner.ts';

/** Runs that got shards done since the last one are no reason to give the replica up: their count begins anew. */
export async function countProgress(record: ReplicaRecord, runner: Pick<ReplicaRunner, 'shardStore'>): Promise<void> {
  if (record.request.shards <= 1) return;
  const done = (await runner.shardStore(record.jobId).finished()).length;
  if (done > (record.shardsDone ?? 0)) record.attempts = 0;
  record.shardsDone = done;
}
