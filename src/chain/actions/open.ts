import type { JobRequest, Opening, SealedSeat } from '../../protocol/index.ts';
import { schedulerAbi as abi } from '../abi.ts';
import type { Chain } from '../chain.ts';
import type { CallOptions } from '../rpc/chain-client.ts';
import { write, type WriteResult } from './write.ts';

export interface OpenArgs { request: JobRequest; roster: readonly SealedSeat[]; openings: readonly (Opening & { index: number })[] }

/** Opens sketches in Contested, or in Committed after a silent client. @throws ChainError BAD_OPENING, NOT_COMMITTED, TOO_EARLY, TOO_LATE, WRONG_STATE … */
export function open(chain: Chain, { request, roster, openings }: OpenArgs, options?: CallOptions): Promise<WriteResult> {
  return write(chain, chain.scheduler, { abi, functionName: 'open', args: [request, roster, openings] }, options);
}
