import type { Hex } from 'viem';
import { askSeed } from './ask-seed.ts';
import type { Chain } from '../chain.ts';
import type { CallOptions } from '../rpc/chain-client.ts';

/** The seed of a job's first draw, whether it is widened or not: what the first seats' claims to hold input are for. @throws ChainError SEED_NOT_YET, SEED_GONE */
export function readFirstSeed(chain: Chain, jobId: Hex, options?: CallOptions): Promise<Hex> {
  return askSeed(chain, 'firstSeedOf', jobId, options);
}
