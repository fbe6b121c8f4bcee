import type { Hex } from 'viem';
import { schedulerAbi as abi } from '../abi.ts';
import type { Chain } from '../chain.ts';
import type { CallOptions } from '../rpc/chain-client.ts';
import { read } from './read.ts';

/** The seed of a job's draw; of the newcomers' from Widening on. @throws ChainError SEED_NOT_YET, SEED_GONE */
export function readSeed(chain: Chain, jobId: Hex, options?: CallOptions): Promise<Hex> {
  return read(chain, chain.scheduler, { abi, functionName: 'seedOf', args: [jobId] }, options);
}
