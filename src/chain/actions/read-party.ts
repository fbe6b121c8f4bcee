import type { Address } from 'viem';
import { schedulerAbi as abi } from '../abi.ts';
import type { Chain } from '../chain.ts';
import type { CallOptions } from '../rpc/chain-client.ts';
import { read } from './read.ts';

/** A party's slot: coin units, reputation counts in 1/256 decayed to `day` (unix time / 86,400), `since` unix seconds (0: unknown party). */
export interface Party { free: bigint; locked: bigint; good: number; bad: number; day: number; since: number }
export type Role = 'node' | 'client';

/** Reads what the scheduler knows of an account in one role. @throws ChainError */
export function readParty(chain: Chain, account: Address, role: Role, options?: CallOptions): Promise<Party> {
  return read(chain, chain.scheduler, { abi, functionName: role, args: [account] }, options);
}
