import type { Hex } from 'viem';
import type { Chain } from '../chain.ts';
import { ChainError } from '../errors.ts';
import type { CallOptions } from '../rpc/chain-client.ts';
import { askSeed } from './ask-seed.ts';
import { readJob } from './read-job.ts';

/**
 * The seed of a job's draw; of the newcomers' from Widening on. Of a job that is not submitted yet the contract gives the seed of block 0, or says that it is gone: nobody
 * must take that for the job's, so the job is looked at before.
 *
 * @throws ChainError SEED_NOT_YET, SEED_GONE; WRONG_STATE where there is no such job yet
 */
export async function readSeed(chain: Chain, jobId: Hex, options?: CallOptions): Promise<Hex> {
  const { state } = await readJob(chain, jobId, options);
  if (state === 'None') throw new ChainError('WRONG_STATE', 'the job is not on chain', { details: jobId });
  return askSeed(chain, 'seedOf', jobId, options);
}
