import type { Hex } from 'viem';
import { schedulerAbi as abi } from '../abi.ts';
import type { Chain } from '../chain.ts';
import type { CallOptions } from '../rpc/chain-client.ts';
import { write, type WriteResult } from './write.ts';

/** `amount` in coin units is added to the account's node stake; zero only publishes the profile. */
export interface RegisterArgs { amount: bigint; profile: Hex }

/** Makes the account a node, or adds to its stake. Takes the coin by allowance. @throws ChainError ALLOWANCE_TOO_LOW, COIN_BALANCE_TOO_LOW … */
export function register(chain: Chain, { amount, profile }: RegisterArgs, options?: CallOptions): Promise<WriteResult> {
  return write(chain, chain.scheduler, { abi, functionName: 'register', args: [amount, profile] }, options);
}
