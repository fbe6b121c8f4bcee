import type { JobRequest, Pledge, SealedSeat } from '../../protocol/index.ts';
import { schedulerAbi as abi } from '../abi.ts';
import type { Chain } from '../chain.ts';
import type { CallOptions } from '../rpc/chain-client.ts';
import { write, type WriteResult } from './write.ts';

/** Two statements of one seat that cannot both be meant; `roster` as the chain has it. */
export interface ProveEquivocationArgs { request: JobRequest; roster: readonly SealedSeat[]; index: number; pledges: readonly [Pledge, Pledge] }

/** Convicts a seat that signed two commitments, while its stake is locked. @throws ChainError NO_EQUIVOCATION, BAD_SIGNATURE, BAD_ROSTER, WRONG_STATE … */
export function proveEquivocation(chain: Chain, { request, roster, index, pledges }: ProveEquivocationArgs, options?: CallOptions): Promise<WriteResult> {
  return write(chain, chain.scheduler, { abi, functionName: 'proveEquivocation', args: [request, roster, index, ...pledges] }, options);
}
