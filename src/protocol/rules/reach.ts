import { REACH_STEPS } from '../constants.ts';
import type { JobRequest } from '../statements/statements.ts';
import { maxUint256 } from '../base/words.ts';

/** 2^24 / ln 2: keys are logarithms to base 2 with 24 fractional bits. */
const UNIT_PER_NAT = 24_204_406n;
const MICRO = 1_000_000n;

/**
 * Largest key of a bid that can be posted `elapsed` seconds after the submit (after the widening was called, in Widening): reach << 2 step, where
 * step is 8 elapsed / assignWindow; without bound (2^256 - 1) where reach is zero and from step 6 on. As the contract's `reachOf`. A step later it can win.
 */
export function reachAfter({ reach, assignWindow }: Pick<JobRequest, 'reach' | 'assignWindow'>, elapsed: number): bigint {
  const step = Math.floor((elapsed * REACH_STEPS) / assignWindow);
  if (reach === 0n || step >= REACH_STEPS - 2) return maxUint256;
  const widened = reach << BigInt(2 * step);
  return widened > maxUint256 ? maxUint256 : widened;
}

/** Seconds after the submit from which a bid of this key can be posted: the first of the step whose reach takes it in. */
export function reachedAfter(terms: Pick<JobRequest, 'reach' | 'assignWindow'>, key: bigint): number {
  for (let step = 0; step < REACH_STEPS; step++) {
    const elapsed = Math.ceil((step * terms.assignWindow) / REACH_STEPS);
    if (key <= reachAfter(terms, elapsed)) return elapsed;
  }
  return terms.assignWindow;
}

/**
 * The reach with which `bids` bids are to be expected from a network: keys are exponential with rate weight ln 2 / 2^216.
 *
 * @param totalWeight sum of `weightOf` over all nodes that might bid
 * @param bids at least the number of replicas; a few times that, so that there are nearly always enough
 */
export function reachFor(totalWeight: bigint, bids: number): bigint {
  if (totalWeight <= 0n) return 0n;
  return ((BigInt(Math.round(bids * Number(MICRO))) * UNIT_PER_NAT) << 192n) / (MICRO * totalWeight);
}
