import { parseCid } from '../../protocol/base/bytes.ts';
import { isError, ProtocolError } from '../../protocol/base/errors.ts';
import type { JobSpec } from '../../protocol/spec/job-spec.ts';
import { planShards, type ShardPlan } from '../../protocol/shards/plan-shards.ts';
import { listFiles } from './list-files.ts';
import type { Storage } from '../storage.ts';

/**
 * The shards of a job whose spec has some; of a directory that is split only the directories are read.
 *
 * @throws ProtocolError SHARDS_INVALID; StorageError ENTRY_HOSTILE, LIMIT_EXCEEDED, NOT_FOUND, DAG_INVALID; the signal's reason
 */
export async function readShardPlan(storage: Pick<Storage, 'ls'>, spec: JobSpec, { signal }: { signal?: AbortSignal } = {}): Promise<ShardPlan> {
  const { shards, inputs } = spec;
  if (shards?.by !== 'file') return planShards(spec);
  const { source, target } = inputs[shards.input]!;
  try {
    return planShards(spec, await listFiles(storage, parseCid(source), { ...(signal && { signal }) }));
  } catch (cause) {
    if (!isError(cause, 'NOT_A_DIRECTORY')) throw cause;
    throw new ProtocolError('SHARDS_INVALID', 'the job cannot be split', { details: `the input at ${target} is not a directory`, hint: 'a job is split by the files of a directory', cause });
  }
}
