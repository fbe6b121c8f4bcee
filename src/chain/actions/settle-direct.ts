import type { Hex } from 'viem';
import type { JobRequest, SealedSeat } from '../../protocol/index.ts';
import { schedulerAbi as abi } from '../abi.ts';
import type { Chain } from '../chain.ts';
import type { CallOptions } from '../rpc/chain-client.ts';
import { write, type WriteResult } from './write.ts';

/** `signatures` are the seats', in order, over the set of commitments that `roster` carries; `agreed` and the rest as for `settle`. */
export interface SettleDirectArgs {
  request: JobRequest; roster: readonly SealedSeat[]; signatures: readonly Hex[]; agreed: number; shard?: number; reportDigest: Hex; signature?: Hex;
}

/** Assigned -> Settled when all seats agreed, else -> Contestable. @throws ChainError BAD_VERDICT, BAD_SIGNATURE, BAD_ROSTER, WRONG_STATE, TOO_LATE … */
export function settleDirect(
  chain: Chain, { request, roster, signatures, agreed, shard = 0, reportDigest, signature = '0x' }: SettleDirectArgs, options?: CallOptions,
): Promise<WriteResult> {
  return write(chain, chain.scheduler, { abi, functionName: 'settleDirect', args: [request, roster, signatures, agreed, shard, reportDigest, signature] }, options);
}
