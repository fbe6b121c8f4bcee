import type { Hex } from 'viem';
import { concat, keccak256, numberToHex } from 'viem/utils';
import { DRAWN_SHARDS } from '../constants.ts';

/**
 * The shards whose windows are opened, by keccak256(seed || "shard" || i) mod count; all of them where there are not more.
 *
 * @param seed see `windowSeed`
 * @returns ascending indices
 */
export function drawShards(seed: Hex, count: number, drawn = DRAWN_SHARDS): number[] {
  if (count <= drawn) return Array.from({ length: count }, (_, shard) => shard);
  const chosen = new Set<number>();
  for (let i = 0; chosen.size < drawn; i++) chosen.add(Number(BigInt(keccak256(concat([seed, SHARD, numberToHex(i, { size: 4 })]))) % BigInt(count)));
  return [...chosen].sort((a, b) => a - b);
}

/** The seed that draws the windows of one shard: keccak256(seed || "shard" || shard || "windows"). */
export function shardWindowSeed(seed: Hex, shard: number): Hex {
  return keccak256(concat([seed, SHARD, numberToHex(shard, { size: 4 }), WINDOWS]));
}

/** "shard" and "windows" in ASCII. */
const SHARD: Hex = '0x7368617264';
const WINDOWS: Hex = '0x77696e646f7773';
