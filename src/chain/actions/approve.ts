import { maxUint256 } from 'viem';
import { coinAbi as abi } from '../abi.ts';
import type { Chain } from '../chain.ts';
import type { CallOptions } from '../rpc/chain-client.ts';
import { write, type WriteResult } from './write.ts';

/** Lets the scheduler take up to `amount` of the account's coin, by default any amount. @throws ChainError */
export async function approve(chain: Chain, { amount = maxUint256 }: { amount?: bigint } = {}, options?: CallOptions): Promise<WriteResult> {
  return write(chain, await chain.coin(options), { abi, functionName: 'approve', args: [chain.scheduler, amount] }, options);
}
