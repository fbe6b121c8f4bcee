import { MIN_CLASS_RUNS, SKETCH_THRESHOLD } from '../constants.ts';
import { sketchDistance } from '../fingerprint/sketch-distance.ts';
import { classModel, strangenessOf, type Strangeness } from './strangeness.ts';

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
  const all = [...past, sketch];
  const distances = all.map((a) => all.map((b) => sketchDistance(a, b).distance));
  const ranks = distances.map((row, i) => median(row.filter((_, j) => j !== i)));
  const own = ranks.at(-1)!;
  return {
    runs: past.length,
    alike: distances.at(-1)!.slice(0, -1).filter((distance) => distance <= SKETCH_THRESHOLD).length,
    p: ranks.filter((other) => other >= own).length / all.length,
    ...(past.length < MIN_CLASS_RUNS ? {} : { strangeness: strangenessOf(classModel(past), sketch) }),
  };
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor((values.length - 1) / 2)] ?? 0;
}
