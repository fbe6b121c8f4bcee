import type { JobRequest, Seat, SignedBid } from '../../protocol/index.ts';
import { schedulerAbi as abi } from '../abi.ts';
import type { Chain } from '../chain.ts';
import type { CallOptions } from '../rpc/chain-client.ts';
import { write, type WriteResult } from './write.ts';
import { orderBids } from './assign.ts';

/** `roster` as it was drawn; bids in any order, at most 16, all kept posted ones among them. */
export interface DrawMoreArgs { request: JobRequest; roster: readonly Seat[]; bids: readonly SignedBid[] }

/** Widening -> Assigned, from `drawableAfter` on. @throws ChainError BID_LEFT_OUT, NOT_ENOUGH_BIDS, SEED_NOT_YET, TOO_EARLY, TOO_LATE, BAD_ROSTER, WRONG_STATE … */
export function drawMore(chain: Chain, { request, roster, bids }: DrawMoreArgs, options?: CallOptions): Promise<WriteResult> {
  return write(chain, chain.scheduler, { abi, functionName: 'drawMore', args: [request, roster, orderBids(bids)] }, options);
}
