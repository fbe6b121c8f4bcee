import { chainProfile } from '../../chain/index.ts';
import { REACH_STEPS } from '../../protocol/index.ts';
import { DEFAULT_BID_BLOCKS, DEFAULT_WINDOWS } from '../constants.ts';
import type { Windows } from './prepare-job.ts';

/** Block time the windows of DEFAULT_WINDOWS are made for, milliseconds: Ethereum's. */
const USUAL_BLOCK_TIME_MS = 12_000;

/** Windows of a job where the caller says nothing: longer where blocks are slow, and open for bids until the seed's block has come. */
export function defaultWindows(chainId: number): Windows {
  const { blockTimeMs, seedDelay } = chainProfile(chainId);
  const slower = Math.max(1, blockTimeMs / USUAL_BLOCK_TIME_MS);
  const { assign, commitMargin, settle, dispute } = DEFAULT_WINDOWS;
  return {
    assign: Math.ceil(assign * slower + (seedDelay - 1) * blockTimeMs / 1000),
    commitMargin: Math.ceil(commitMargin * slower), settle: Math.ceil(settle * slower), dispute: Math.ceil(dispute * slower),
  };
}

/** Blocks in which a node that is left out can post its bid, where the caller says nothing: none on a local network, where nobody waits for them. */
export function defaultBidBlocks(chainId: number): number {
  return chainProfile(chainId).kind === 'devnet' ? 0 : DEFAULT_BID_BLOCKS;
}

/**
 * Least assignment window, s, of a job whose draw has a reach, where the caller says nothing: in each step of the reach, an eighth of the window, a node that comes
 * within it has the blocks to post its bid in.
 */
export function windowForReach(chainId: number): number {
  const { blockTimeMs, seedDelay } = chainProfile(chainId);
  return Math.ceil((REACH_STEPS * DEFAULT_BID_BLOCKS + seedDelay) * blockTimeMs / 1000);
}
