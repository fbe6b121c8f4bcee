import type { Hex } from 'viem';
import { hexToBigInt } from 'viem/utils';

/** Whether a bid claims to hold the input. */
export function hasClaim({ possession }: { possession: Hex }): boolean {
  return hexToBigInt(possession) !== 0n;
}
