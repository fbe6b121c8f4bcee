import type { Hex } from 'viem';
import { askSeed } from './ask-seed.ts';
import type { Chain } from '../chain.ts';
import type { CallOptions } from '../rpc/chain-client.ts';

/** The seed of a job's draw; of the newcomers' from Widening on. @throws ChainError SEED_NOT_YET, SEED_GONE */
export function readSeed(chain: Chain, jobId: Hex, options?: CallOptions): Promise<Hex> {
  return askSeed(chain, 'seedOf', jobId, options);
}
