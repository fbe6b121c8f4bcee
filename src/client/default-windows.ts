import { chainProfile } from '../chain/index.ts';
import { DEFAULT_BID_BLOCKS, DEFAULT_WINDOWS } from './constants.ts';
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
