import type { Hex } from 'viem';
import { isError } from '../../protocol/index.ts';
import { schedulerAbi as abi } from '../abi.ts';
import type { Chain } from '../chain.ts';
import type { CallOptions } from '../rpc/chain-client.ts';
import { read } from './read.ts';

/**
 * A seed as soon as its block is there. A block's hash is known to the blocks after it alone, and a call runs in the newest: while that is the seed's, the block that
 * is being made is asked, where the endpoint knows of one, for it is there that a draw would go. An endpoint that does not tells the seed a block later.
 *
 * @throws ChainError SEED_NOT_YET, SEED_GONE
 */
export async function askSeed(chain: Chain, functionName: 'seedOf' | 'firstSeedOf', jobId: Hex, options: CallOptions = {}): Promise<Hex> {
  const call = { abi, functionName, args: [jobId] } as const;
  try {
    return await read(chain, chain.scheduler, call, options);
  } catch (error) {
    if (!isError(error, 'SEED_NOT_YET')) throw error;
    return read(chain, chain.scheduler, { ...call, blockTag: 'pending' }, options).catch(() => {
      options.signal?.throwIfAborted();
      throw error;
    });
  }
}
