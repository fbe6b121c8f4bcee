import type { JobSpec } from '../../protocol/index.ts';
import type { Offer } from '../offer.ts';

/** Shards of a job that this machine runs side by side, by what each may use. At least one. */
export function shardsAtOnce({ resources }: Pick<JobSpec, 'resources'>, offer: Offer): number {
  const { cpus, memoryBytes, diskBytes } = resources;
  // Limits of CPUs are fractions: ten of 0.1 fill one.
  return Math.max(1, Math.floor(Math.min(offer.cpus / cpus + 1e-9, offer.memoryBytes / memoryBytes, offer.diskBytes / diskBytes)));
}

/** Longest that a replica may take here, ms: its time limit, or that of each shard, so many at a time. */
export function longestRunMs(spec: JobSpec, shards: number, offer: Offer): number {
  return spec.shards === undefined ? spec.resources.timeoutMs : Math.ceil(shards / shardsAtOnce(spec, offer)) * spec.resources.timeoutMs;
}
