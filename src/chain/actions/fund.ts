import type { Address } from 'viem';
import { schedulerAbi as abi } from '../abi.ts';
import type { Chain } from '../chain.ts';
import type { CallOptions } from '../rpc/chain-client.ts';
import { write, type WriteResult } from './write.ts';

/** Adds coin of the account to a client's purse, by default its own. Takes the coin by allowance. @throws ChainError ALLOWANCE_TOO_LOW, COIN_BALANCE_TOO_LOW … */
export function fund(chain: Chain, { client, amount }: { client?: Address; amount: bigint }, options?: CallOptions): Promise<WriteResult> {
  return write(chain, chain.scheduler, { abi, functionName: 'fund', args: [client ?? chain.signer().address, amount] }, options);
}
