import type { Hex } from 'viem';
import type { JobRequest, SealedSeat } from '../../protocol/index.ts';
import { schedulerAbi as abi } from '../abi.ts';
import type { Chain } from '../chain.ts';
import type { CallOptions } from '../rpc/chain-client.ts';
import { write, type WriteResult } from './write.ts';

/** Bit i of `agreed`: seat i agreed. `shard` is opened if a rejected seat contests, the first by default. `signature` is the client's over the verdict (`signVerdict`); not needed when the account is the client. */
export interface SettleArgs { request: JobRequest; roster: readonly SealedSeat[]; agreed: number; shard?: number; reportDigest: Hex; signature?: Hex }

/** Committed -> Settled when all committed seats agreed, else -> Contestable. @throws ChainError BAD_VERDICT, BAD_SIGNATURE, WRONG_STATE, TOO_LATE … */
export function settle(chain: Chain, { request, roster, agreed, shard = 0, reportDigest, signature = '0x' }: SettleArgs, options?: CallOptions): Promise<WriteResult> {
  return write(chain, chain.scheduler, { abi, functionName: 'settle', args: [request, roster, agreed, shard, reportDigest, signature] }, options);
}
