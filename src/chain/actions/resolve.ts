import type { JobRequest, Opening, SealedSeat } from '../../protocol/index.ts';
import { schedulerAbi as abi } from '../abi.ts';
import type { Chain } from '../chain.ts';
import type { CallOptions } from '../rpc/chain-client.ts';
import { write, type WriteResult } from './write.ts';

/** Exactly the opened seats' openings, in any order; they are in the `SketchOpened` events. Empty from Contestable. */
export interface ResolveArgs { request: JobRequest; roster: readonly SealedSeat[]; openings: readonly (Opening & { index: number })[] }

/** Contestable, Contested or Committed (silent client) -> Settled. @throws ChainError TOO_EARLY, BAD_ORDER, BAD_OPENING, WRONG_STATE … */
export function resolve(chain: Chain, { request, roster, openings }: ResolveArgs, options?: CallOptions): Promise<WriteResult> {
  const ordered = openings.toSorted((a, b) => a.index - b.index);
  return write(chain, chain.scheduler, { abi, functionName: 'resolve', args: [request, roster, ordered] }, options);
}
