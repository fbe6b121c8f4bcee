import type { Hex } from 'viem';
import { isError } from '../../protocol/index.ts';
import { schedulerAbi as abi } from '../abi.ts';
import type { Chain } from '../chain.ts';
import type { CallOptions } from '../chain-client.ts';
import { read } from '../read.ts';

/**
 * The seed of a job's draw; of the newcomers' from Widening on. A block's hash is known to the blocks after it alone: while the seed's is the newest, the one that
 * is being made is asked, where the endpoint knows of it, for that is where a draw would go.
 *
 * @throws ChainError SEED_NOT_YET, SEED_GONE
 */
export async function readSeed(chain: Chain, jobId: Hex, options?: CallOptions): Promise<Hex> {
  const call = { abi, functionName: 'seedOf', args: [jobId] } as const;
  try {
    return await read(chain, chain.scheduler, call, options);
  } catch (error) {
    if (!isError(error, 'SEED_NOT_YET')) throw error;
    return read(chain, chain.scheduler, { ...call, blockTag: 'pending' }, options).catch(() => { throw error; });
  }
}
