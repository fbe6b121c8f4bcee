import type { Hex } from 'viem';
import { schedulerAbi as abi } from '../abi.ts';
import type { Chain } from '../chain.ts';
import type { CallOptions } from '../rpc/chain-client.ts';
import { read } from './read.ts';

/** The commitment of one seat while others are missing; zero where there is none, and once all are in. @throws ChainError */
export function readCommitment(chain: Chain, jobId: Hex, index: number, options?: CallOptions): Promise<Hex> {
  return read(chain, chain.scheduler, { abi, functionName: 'commitmentAt', args: [jobId, index] }, options);
}
