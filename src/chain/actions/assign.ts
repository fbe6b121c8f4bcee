import type { Hex } from 'viem';
import { isError, type JobRequest, type SignedBid } from '../../protocol/index.ts';
import { schedulerAbi as abi } from '../abi.ts';
import type { Chain } from '../chain.ts';
import type { CallOptions } from '../rpc/chain-client.ts';
import type { ChainError } from '../errors.ts';
import { write, type WriteResult } from './write.ts';
import { waitForBlock } from './wait-for-block.ts';

/** Bids in any order, at most 16; `signature` is the client's over them in `orderBids` order (`signAssignment`), not needed when the account is the client. */
export interface AssignArgs { request: JobRequest; bids: readonly SignedBid[]; signature?: Hex }

/** Open -> Assigned. Waits for the seed's block. @throws ChainError SEED_GONE, NOT_ENOUGH_BIDS, TOO_MANY_BIDS, BAD_SIGNATURE, WRONG_STATE, TOO_LATE … */
export async function assign(chain: Chain, { request, bids, signature = '0x' }: AssignArgs, options?: CallOptions): Promise<WriteResult> {
  const send = () => write(chain, chain.scheduler, { abi, functionName: 'assign', args: [request, orderBids(bids), signature] }, options);
  try {
    return await send();
  } catch (error) {
    if (!isError(error, 'SEED_NOT_YET')) throw error;
    await waitForBlock(chain, (error as ChainError).args?.['seedBlock'] as bigint, options);
    return send();
  }
}

/** The order the contract wants: strictly ascending by node. */
export function orderBids<B extends { node: Hex }>(bids: readonly B[]): B[] {
  return bids.toSorted((a, b) => (a.node.toLowerCase() < b.node.toLowerCase() ? -1 : 1));
}
