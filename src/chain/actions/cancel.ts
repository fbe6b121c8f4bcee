import type { Hex } from 'viem';
import type { JobRequest } from '../../protocol/index.ts';
import { schedulerAbi as abi } from '../abi.ts';
import type { Chain } from '../chain.ts';
import type { CallOptions } from '../rpc/chain-client.ts';
import { write, type WriteResult } from './write.ts';

/** `signature` is the client's (`signCancel`); not needed when the account is the client. */
export interface CancelArgs { request: JobRequest; signature?: Hex }

/** Open -> Cancelled. Costs reputation once the seed is known. @throws ChainError WRONG_STATE, BAD_SIGNATURE … */
export function cancel(chain: Chain, { request, signature = '0x' }: CancelArgs, options?: CallOptions): Promise<WriteResult> {
  return write(chain, chain.scheduler, { abi, functionName: 'cancel', args: [request, signature] }, options);
}
