import { ClientError } from '../errors.ts';
import type { JobRecord } from '../book/job-record.ts';
import { isSharded } from './is-sharded.ts';

/** @throws ClientError SHARD_UNKNOWN when the job has no such shard */
export function requireShard(record: Pick<JobRecord, 'spec' | 'request'>, shard: number): void {
  const { shards } = record.request;
  if (isSharded(record) && Number.isInteger(shard) && shard >= 0 && shard < shards) return;
  throw new ClientError('SHARD_UNKNOWN', 'the job has no such shard', {
    details: isSharded(record) ? `${shard}, it has ${shards}, from 0 to ${shards - 1}` : 'it has none',
  });
}
