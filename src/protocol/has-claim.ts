import { hexToBigInt, type Hex } from 'viem';

/** Whether a bid claims to hold the input. */
export function hasClaim({ possession }: { possession: Hex }): boolean {
  return hexToBigInt(possession) !== 0n;
}
