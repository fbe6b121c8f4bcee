import type { Hex } from 'viem';
import { JOB_STATES, type JobStateName } from '../../protocol/index.ts';
import { schedulerAbi as abi } from '../abi.ts';
import type { Chain } from '../chain.ts';
import type { CallOptions } from '../rpc/chain-client.ts';
import { read } from './read.ts';

/** A job's word on chain. `since` is the unix second the state was entered; sets of seats are bit masks. */
export interface JobRecord {
  state: JobStateName;
  seedBlock: bigint;
  since: number;
  committed: number;
  agreed: number;
  opened: number;
  contested: number;
  equivocated: number;
  /** Which shard the client's verdict lets be opened. */
  shard: number;
  /** How many posted bids are kept. */
  posted: number;
  /** 0: not widened yet. Else who called for it, 1 for the client, 2 + i for seat i; plus 128 once it came to nothing. */
  widening: number;
  /** By how many blocks the seed of the first draw is older than that of `seedBlock`; 0 before a widening. */
  seedsApart: number;
  rosterHash: Hex;
}

/** Reads a job; `None` is one that was never submitted. @throws ChainError */
export async function readJob(chain: Chain, jobId: Hex, options?: CallOptions): Promise<JobRecord> {
  const { state, seedBlock, since, ...rest } = await read(chain, chain.scheduler, { abi, functionName: 'job', args: [jobId] }, options);
  return { ...rest, state: JOB_STATES[state]!, seedBlock: BigInt(seedBlock), since: Number(since) };
}
