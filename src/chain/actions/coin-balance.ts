import type { Address } from 'viem';
import { coinAbi as abi } from '../abi.ts';
import type { Chain } from '../chain.ts';
import type { CallOptions } from '../rpc/chain-client.ts';
import { read } from './read.ts';

/** Coin units an account holds outside the scheduler; by default the chain's own account. @throws ChainError */
export async function coinBalance(chain: Chain, account: Address = chain.signer().address, options?: CallOptions): Promise<bigint> {
  return read(chain, await chain.coin(options), { abi, functionName: 'balanceOf', args: [account] }, options);
}
