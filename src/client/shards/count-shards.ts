import { formatDurationMs, type JobSpec } from '../../protocol/index.ts';
import { readShardPlan, type Storage } from '../../storage/index.ts';
import { DEFAULT_SHARDS_TOGETHER_MS } from '../constants.ts';
import { ClientError } from '../errors.ts';

/**
 * How many shards a job has, 1 where its spec says nothing of them, and the spec with a time limit that so many of them can have: where the
 * caller gave none, one that lets a node run them one after the other within a day.
 *
 * @param given whether the caller set the time limit
 * @param maxWindowSeconds longest time that the chain gives a replica
 * @throws ProtocolError SHARDS_INVALID, ClientError SHARDS_TOO_LONG, StorageError when the directory to split cannot be read
 */
export async function countShards(
  storage: Pick<Storage, 'ls'>, spec: JobSpec, { given, maxWindowSeconds, signal }: { given: boolean; maxWindowSeconds: number; signal: AbortSignal },
): Promise<{ spec: JobSpec; shards: number }> {
  if (spec.shards === undefined) return { spec, shards: 1 };
  const { count: shards } = await readShardPlan(storage, spec, { signal });
  const { resources } = spec;
  const timeoutMs = given ? resources.timeoutMs : Math.min(resources.timeoutMs, Math.floor(DEFAULT_SHARDS_TOGETHER_MS / shards));
  if (shards * timeoutMs > maxWindowSeconds * 1000) {
    throw new ClientError('SHARDS_TOO_LONG', 'the shards may run longer together than the chain lets a job run', {
      details: `${shards} of ${formatDurationMs(timeoutMs)} each, one after the other; at most ${formatDurationMs(maxWindowSeconds * 1000)}`,
      hint: 'set a shorter time limit, which is that of one shard, or split the data over several jobs',
    });
  }
  return { spec: { ...spec, resources: { ...resources, timeoutMs } }, shards };
}
