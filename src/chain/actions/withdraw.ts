import type { Address } from 'viem';
import { schedulerAbi as abi } from '../abi.ts';
import type { Chain } from '../chain.ts';
import type { CallOptions } from '../rpc/chain-client.ts';
import { write, type WriteResult } from './write.ts';

/** Takes free coin out of the account's stake or purse, to `to` (default: the account). */
export interface WithdrawArgs { role: 'node' | 'client'; amount: bigint; to?: Address }

/** The one way out for coin. @throws ChainError INSUFFICIENT_FUNDS … */
export function withdraw(chain: Chain, { role, amount, to }: WithdrawArgs, options?: CallOptions): Promise<WriteResult> {
  return write(chain, chain.scheduler, { abi, functionName: 'withdraw', args: [role === 'node', to ?? chain.signer().address, amount] }, options);
}
