import { FINE_STEPS, FINEST_SHARE, MIN_SAMPLE_INTERVAL_MS } from '../constants.ts';

/**
 * Distance of a run's n-th sample from the one before it, ms: a sixteenth of the interval at first, doubled after every FINE_STEPS samples until it is the interval. A run of two
 * intervals has a shape like any other, and when a clock of whole intervals happens to tick in it would decide what is seen of that.
 */
export function stepAfter(n: number, intervalMs: number): number {
  return Math.min(intervalMs, Math.max(MIN_SAMPLE_INTERVAL_MS, intervalMs * FINEST_SHARE * 2 ** Math.floor(n / FINE_STEPS)));
}
