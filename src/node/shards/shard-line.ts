import type { ShardProgress } from './run-shards.ts';

/** A line of the live log after a shard: whoever follows it sees how far the replica is. */
export function shardLine({ shard, exitCode, ended, done, of }: ShardProgress): string {
  return `shard ${shard} ended by ${ended} with code ${exitCode}; ${done} of ${of} done\n`;
}
