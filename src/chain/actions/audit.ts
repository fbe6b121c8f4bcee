import type { Hex } from 'viem';
import type { JobRequest, SealedSeat } from '../../protocol/index.ts';
import { schedulerAbi as abi } from '../abi.ts';
import type { Chain } from '../chain.ts';
import type { CallOptions } from '../rpc/chain-client.ts';
import { write, type WriteResult } from './write.ts';

/** `signature` is the client's (`signAudit`); not needed when the account is the client. */
export interface AuditArgs { request: JobRequest; roster: readonly SealedSeat[]; secret: Hex; auditBps: number; signature?: Hex }

/** Committed -> Widening, if `isAudited`. Shows the secret: only once the commitment is final on chain. @throws ChainError NOT_DRAWN, BAD_SECRET, NOT_WIDENABLE, ALLOWANCE_TOO_LOW, WRONG_STATE, TOO_LATE … */
export function audit(chain: Chain, { request, roster, secret, auditBps, signature = '0x' }: AuditArgs, options?: CallOptions): Promise<WriteResult> {
  return write(chain, chain.scheduler, { abi, functionName: 'audit', args: [request, roster, secret, auditBps, signature] }, options);
}
