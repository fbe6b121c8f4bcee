import { isAddressEqual, type Address } from 'viem';
import type { JobRecord } from './job-record.ts';

/** Where a node listens, as it said with its newest bid or commitment; nothing while only the chain has told of it. */
export function addrsOf({ bids }: Pick<JobRecord, 'bids'>, node: Address): string[] {
  return bids.findLast(({ bid, addrs }) => addrs.length > 0 && isAddressEqual(bid.node, node))?.addrs ?? [];
}
