import type { JobRequest, Seat, SignedCommitment } from '../../protocol/index.ts';
import { schedulerAbi as abi } from '../abi.ts';
import type { Chain } from '../chain.ts';
import type { CallOptions } from '../rpc/chain-client.ts';
import { write, type WriteResult } from './write.ts';

/** A node that posts its own commitment may leave the signature empty (`0x`). */
export interface CommitArgs { request: JobRequest; roster: readonly Seat[]; commitments: readonly SignedCommitment[] }

/** Assigned -> Assigned, or -> Committed with the last one. @throws ChainError BAD_SIGNATURE, ALREADY_COMMITTED, BAD_ROSTER, WRONG_STATE, TOO_LATE … */
export function commit(chain: Chain, { request, roster, commitments }: CommitArgs, options?: CallOptions): Promise<WriteResult> {
  return write(chain, chain.scheduler, { abi, functionName: 'commit', args: [request, roster, commitments] }, options);
}
