import { parseCid } from '../protocol/bytes.ts';
import type { JobSpec } from '../protocol/job-spec.ts';
import { planShards, type ShardPlan } from '../protocol/shards/plan-shards.ts';
import { listFiles } from './list-files.ts';
import type { Storage } from './storage.ts';

/**
 * The shards of a job whose spec has some; of a directory that is split only the directories are read.
 *
 * @throws ProtocolError SHARDS_INVALID; StorageError NOT_A_DIRECTORY, ENTRY_HOSTILE, LIMIT_EXCEEDED, NOT_FOUND, DAG_INVALID; the signal's reason
 */
export async function readShardPlan(storage: Pick<Storage, 'ls'>, spec: JobSpec, { signal }: { signal?: AbortSignal } = {}): Promise<ShardPlan> {
  const { shards, inputs } = spec;
  return planShards(spec, shards?.by === 'file' ? await listFiles(storage, parseCid(inputs[shards.input]!.source), { ...(signal && { signal }) }) : []);
}
