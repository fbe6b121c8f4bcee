import type { Address } from 'viem';
import { schedulerAbi as abi } from '../abi.ts';
import type { Chain } from '../chain.ts';
import type { CallOptions } from '../rpc/chain-client.ts';
import { read } from './read.ts';
import type { Role } from './read-party.ts';

/** Lower bound of an account's success rate in basis points, decayed to the latest block's time. @throws ChainError */
export async function readScore(chain: Chain, account: Address, role: Role, options?: CallOptions): Promise<number> {
  return Number(await read(chain, chain.scheduler, { abi, functionName: 'scoreOf', args: [account, role === 'node'] }, options));
}
