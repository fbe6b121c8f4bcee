/** Digits of a shard's folder: so many jobs have fewer than 10,000 shards that one width serves them all. */
const DIGITS = 4;

/** The folder of a shard in the result: `0000`, `0001`, … */
export function shardName(index: number): string {
  return String(index).padStart(DIGITS, '0');
}
