import type { Hex } from 'viem';
import { withCommitments, type JobRequest, type SealedSeat, type SignedSet } from '../../protocol/index.ts';
import { schedulerAbi as abi } from '../abi.ts';
import type { Chain } from '../chain.ts';
import type { CallOptions } from '../rpc/chain-client.ts';
import { write, type WriteResult } from './write.ts';

/** `roster` as the chain has it. From Committed on `posted` is true: the set takes the place of the roster's own commitments. */
export interface CommitSetArgs { request: JobRequest; roster: readonly SealedSeat[]; set: SignedSet; posted: boolean }

/** Assigned -> Committed, or Committed -> Committed with the set that all had signed. @throws ChainError BAD_SIGNATURE, BAD_ROSTER, WRONG_STATE, TOO_LATE … */
export function commitSet(chain: Chain, { request, roster, set, posted }: CommitSetArgs, options?: CallOptions): Promise<WriteResult> {
  const present: Hex[] = posted ? roster.map(({ commitment }) => commitment) : [];
  const args = [request, withCommitments(roster, set.commitments), present, set.signatures] as const;
  return write(chain, chain.scheduler, { abi, functionName: 'commitSet', args }, options);
}
