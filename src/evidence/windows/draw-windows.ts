import type { Hex } from 'viem';
import { concat, keccak256, numberToHex } from 'viem/utils';
import { DRAWN_WINDOWS } from './constants.ts';

/**
 * keccak256(secret || jobId || set digest): known to nobody before commitments are closed, for the client keeps the secret and every
 * commitment has a salt; the set digest binds all commitments in order of seat and the roster, which the draw's seed made.
 */
export function windowSeed({ secret, jobId, setDigest }: { secret: Hex; jobId: Hex; setDigest: Hex }): Hex {
  return keccak256(concat([secret, jobId, setDigest]));
}

/**
 * The windows to open: `drawn` different ones, by keccak256(seed || i) mod count for i = 0, 1, ..., and the last, which has the whole output.
 *
 * @param count windows of the run, at least 1
 * @returns ascending indices; all of them where there are not more
 */
export function drawWindows(seed: Hex, count: number, drawn = DRAWN_WINDOWS): number[] {
  if (count - 1 <= drawn) return Array.from({ length: count }, (_, index) => index);
  const chosen = new Set<number>();
  for (let i = 0; chosen.size < drawn; i++) {
    chosen.add(Number(BigInt(keccak256(concat([seed, numberToHex(i, { size: 4 })]))) % BigInt(count - 1)));
  }
  return [...chosen, count - 1].sort((a, b) => a - b);
}
