import { schedulerAbi as abi } from '../abi.ts';
import type { Chain } from '../chain.ts';
import type { CallOptions } from '../rpc/chain-client.ts';
import { read } from './read.ts';

/** How many accounts ever registered as nodes, whatever stake they have. @throws ChainError */
export async function readNodeCount(chain: Chain, options?: CallOptions): Promise<number> {
  return Number(await read(chain, chain.scheduler, { abi, functionName: 'nodeCount', args: [] }, options));
}
