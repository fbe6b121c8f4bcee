import type { JobRequest, Seat, SignedBid } from '../../protocol/index.ts';
import { schedulerAbi as abi } from '../abi.ts';
import type { Chain } from '../chain.ts';
import type { CallOptions } from '../rpc/chain-client.ts';
import { write, type WriteResult } from './write.ts';

/** `roster` is empty in Open, and the seats that are there in Widening. */
export interface PostBidsArgs { request: JobRequest; roster?: readonly Seat[]; bids: readonly SignedBid[] }

/** Posts bids that the draw then cannot leave out. What is no better than those kept is skipped. @throws ChainError BID_INELIGIBLE, SEED_NOT_YET, BAD_SIGNATURE, WRONG_STATE, TOO_LATE … */
export function postBids(chain: Chain, { request, roster = [], bids }: PostBidsArgs, options?: CallOptions): Promise<WriteResult> {
  return write(chain, chain.scheduler, { abi, functionName: 'postBids', args: [request, roster, bids] }, options);
}
