import type { Address } from 'viem';
import { isAddressEqual } from 'viem/utils';

/** The seat of a node on a roster, or -1. */
export function seatOf(roster: readonly { node: Address }[], address: Address): number {
  return roster.findIndex(({ node }) => isAddressEqual(node, address));
}
