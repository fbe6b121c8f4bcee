import type { JobSpec } from '../../protocol/index.ts';

/** CIDs of all data that a job or any of its shards reads, each once. */
export function inputSources({ inputs, shards }: Pick<JobSpec, 'inputs' | 'shards'>): string[] {
  const own = shards?.by === 'list' ? shards.list.flatMap((shard) => shard.inputs ?? []) : [];
  return [...new Set([...inputs, ...own].map(({ source }) => source))];
}
