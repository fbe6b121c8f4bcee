import { EVIDENCE_BYTES_PER_SAMPLE, EVIDENCE_BYTES_PER_SHARD, MAX_SHARDED_EVIDENCE_BYTES, MAX_SHARD_EVIDENCE_BYTES } from '../constants.ts';

/**
 * Distance of samples, ms, at which the evidence of all shards fits its bounds though each runs as long as it may: the usual one, doubled as often
 * as need be. From the spec alone, so that all replicas sample alike.
 */
export function shardInterval(usualMs: number, { count, timeoutMs }: { count: number; timeoutMs: number }): number {
  const budget = Math.min(MAX_SHARD_EVIDENCE_BYTES, MAX_SHARDED_EVIDENCE_BYTES / count) - EVIDENCE_BYTES_PER_SHARD;
  const shortest = timeoutMs / (budget / EVIDENCE_BYTES_PER_SAMPLE);
  return usualMs * 2 ** Math.max(0, Math.ceil(Math.log2(shortest / usualMs)));
}
