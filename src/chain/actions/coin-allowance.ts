import type { Address } from 'viem';
import { coinAbi as abi } from '../abi.ts';
import type { Chain } from '../chain.ts';
import type { CallOptions } from '../rpc/chain-client.ts';
import { read } from './read.ts';

/** Coin units the scheduler may still take from an account; by default the chain's own. @throws ChainError */
export async function coinAllowance(chain: Chain, account: Address = chain.signer().address, options?: CallOptions): Promise<bigint> {
  return read(chain, await chain.coin(options), { abi, functionName: 'allowance', args: [account, chain.scheduler] }, options);
}
