import { anySignal, isError, messageOf, type JobRequest, type JobSpec } from '../../protocol/index.ts';
import { readShardPlan, type Storage } from '../../storage/index.ts';
import { SHARD_PLAN_TIMEOUT_MS } from '../constants.ts';
import { requireCount } from './run-shards.ts';

/** Why the job's shards are not those that its request counts, or cannot be counted; undefined when they are, and where there are none. */
export async function whyUncountable(storage: Pick<Storage, 'ls'>, spec: JobSpec, request: Pick<JobRequest, 'shards'>, signal: AbortSignal): Promise<string | undefined> {
  if (spec.shards === undefined) return undefined;
  try {
    const { count } = await readShardPlan(storage, spec, { signal: anySignal(signal, AbortSignal.timeout(SHARD_PLAN_TIMEOUT_MS)) });
    requireCount(count, request);
    return undefined;
  } catch (error) {
    signal.throwIfAborted();
    return isError(error) ? error.message : `the directory to split cannot be read: ${messageOf(error)}`;
  }
}
