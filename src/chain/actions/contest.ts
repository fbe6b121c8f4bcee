import type { Hex } from 'viem';
import type { JobRequest, Opening, SealedSeat } from '../../protocol/index.ts';
import { schedulerAbi as abi } from '../abi.ts';
import type { Chain } from '../chain.ts';
import type { CallOptions } from '../rpc/chain-client.ts';
import { write, type WriteResult } from './write.ts';

/** The rejected seat's opening; `signature` is its node's (`signContest`), not needed when the account is the node. */
export interface ContestArgs { request: JobRequest; roster: readonly SealedSeat[]; opening: Opening & { index: number }; signature?: Hex }

/** Contestable -> Contested, or one more contestant. @throws ChainError NOT_REJECTED, BAD_OPENING, INSUFFICIENT_FUNDS (bond), WRONG_STATE, TOO_LATE … */
export function contest(chain: Chain, { request, roster, opening, signature = '0x' }: ContestArgs, options?: CallOptions): Promise<WriteResult> {
  return write(chain, chain.scheduler, { abi, functionName: 'contest', args: [request, roster, opening, signature] }, options);
}
