/** Digits of a shard's folder: so many jobs have fewer than 10,000 shards that one width serves them all. */
const DIGITS = 4;

/** The folder of a shard in the result: `0000`, `0001`, … */
export function shardName(index: number): string {
  return String(index).padStart(DIGITS, '0');
}

/** Beside the encrypted files of shards: the encrypted directory that says which folder each of them holds. No shard has this name. */
export const SHARD_INDEX = 'index';
