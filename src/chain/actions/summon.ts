import type { Address, Hex } from 'viem';
import type { JobRequest, Opening, SealedSeat } from '../../protocol/index.ts';
import { schedulerAbi as abi } from '../abi.ts';
import type { Chain } from '../chain.ts';
import type { CallOptions } from '../rpc/chain-client.ts';
import { write, type WriteResult } from './write.ts';

/** All seats' openings, in any order; `caller` is the client or a seat's node (default: the account), whose signature (`signSummon`) is needed if it is not the account. */
export interface SummonArgs { request: JobRequest; roster: readonly SealedSeat[]; openings: readonly (Opening & { index: number })[]; caller?: Address; signature?: Hex }

/** Contested or Committed -> Widening, where the openings have no majority. @throws ChainError MAJORITY_FOUND, NOT_WIDENABLE, INSUFFICIENT_FUNDS, BAD_ORDER, WRONG_STATE, TOO_LATE … */
export function summon(chain: Chain, { request, roster, openings, caller, signature = '0x' }: SummonArgs, options?: CallOptions): Promise<WriteResult> {
  const ordered = openings.toSorted((a, b) => a.index - b.index);
  return write(chain, chain.scheduler, { abi, functionName: 'summon', args: [request, roster, ordered, caller ?? chain.signer().address, signature] }, options);
}
