import { zeroHash, type Hex } from 'viem';
import type { Seat } from '../protocol/index.ts';

/** A seat once commitments are closed; `commitment` is zero where none was posted. */
export interface SealedSeat extends Seat { commitment: Hex }

/** The roster as every step from Committed on repeats it: seats with their commitments. */
export function sealRoster(roster: readonly Seat[], commitments: readonly { index: number; commitment: Hex }[]): SealedSeat[] {
  return roster.map(({ node, price }, seat) => ({ node, price, commitment: commitments.find(({ index }) => index === seat)?.commitment ?? zeroHash }));
}
