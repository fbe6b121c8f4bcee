import type { Strangeness } from './strangeness.ts';

/** How one run looks beside earlier ones of the same job. */
export interface Precedent {
  /** Earlier runs it was compared with. */
  runs: number;
  /** Those of them within the threshold. */
  alike: number;
  /**
   * Conformal p-value: the share of all runs, this one among them, that are at least as far from the others. Honest runs fall below any
   * p with probability p at most; the smallest possible is 1 / (runs + 1).
   */
  p: number;
  /** How far the run is from what is usual in its class, block by block; absent with fewer than MIN_CLASS_RUNS earlier runs. */
  strangeness?: Strangeness;
}
