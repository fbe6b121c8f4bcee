import type { Address } from 'viem';
import { coinAbi as abi } from '../abi.ts';
import type { Chain } from '../chain.ts';
import type { CallOptions } from '../rpc/chain-client.ts';
import { write, type WriteResult } from './write.ts';

/** Sends coin of the account to somebody. @throws ChainError COIN_BALANCE_TOO_LOW … */
export async function transferCoin(chain: Chain, { to, amount }: { to: Address; amount: bigint }, options?: CallOptions): Promise<WriteResult> {
  return write(chain, await chain.coin(options), { abi, functionName: 'transfer', args: [to, amount] }, options);
}
