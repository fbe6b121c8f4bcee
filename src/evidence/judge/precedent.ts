import { RunClass } from './run-class.ts';
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

/**
 * Holds a run against the class its job belongs to: what a single replica, or two that disagree, can be compared with. The p-value ranks runs
 * by the lower median of its sketch's distances to the other runs', the same for old and new, so that the p-value holds whatever the distances'
 * distribution is (Vovk, Gammerman and Shafer, Algorithmic Learning in a Random World, 2005, section 2.2).
 *
 * @param past sketches of earlier runs that agreed with their peers
 */
export function precedentOf(past: readonly Uint8Array[], sketch: Uint8Array): Precedent {
  return new RunClass(past).look(sketch);
}
