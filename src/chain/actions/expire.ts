import type { JobRequest, Seat } from '../../protocol/index.ts';
import { schedulerAbi as abi } from '../abi.ts';
import type { Chain } from '../chain.ts';
import type { CallOptions } from '../rpc/chain-client.ts';
import { write, type WriteResult } from './write.ts';

/** `roster` is empty for a job that was never assigned. */
export interface ExpireArgs { request: JobRequest; roster?: readonly Seat[] }

/** Open -> Cancelled, Assigned -> Committed or Expired, after the deadline. Anyone may call. @throws ChainError TOO_EARLY, WRONG_STATE, BAD_ROSTER … */
export function expire(chain: Chain, { request, roster = [] }: ExpireArgs, options?: CallOptions): Promise<WriteResult> {
  return write(chain, chain.scheduler, { abi, functionName: 'expire', args: [request, roster] }, options);
}
