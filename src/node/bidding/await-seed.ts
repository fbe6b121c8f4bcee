import { setTimeout as sleep } from 'node:timers/promises';
import type { Hex } from 'viem';
import { readSeed, type Chain } from '../../chain/index.ts';
import { isError } from '../../protocol/index.ts';
import { SEED_POLL_MS, SEED_WAIT_MS } from '../constants.ts';

/** The seed of a job's draw, once it is known: the job may not even be submitted yet. @throws ChainError SEED_GONE, SEED_NOT_YET or WRONG_STATE after ten minutes, RPC_UNREACHABLE */
export async function awaitSeed(chain: Chain, jobId: Hex, signal: AbortSignal): Promise<Hex> {
  const deadline = performance.now() + SEED_WAIT_MS;
  for (;;) {
    try {
      return await readSeed(chain, jobId, { signal });
    } catch (error) {
      if (!isError(error, 'SEED_NOT_YET', 'WRONG_STATE') || performance.now() > deadline) throw error;
    }
    await sleep(Math.min(SEED_POLL_MS, chain.pollingIntervalMs), undefined, { signal });
  }
}
