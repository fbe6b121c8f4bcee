import { blockDistances, CPU_BLOCK, DISTANCE_BLOCKS } from './block-distances.ts';
import { CLASS_LIMITS, CLASS_PRIORS, CLASS_PRIOR_WEIGHT, type BlockName } from './constants.ts';
import { sketchDistance } from './sketch-distance.ts';

/** How strange one run is beside earlier ones of its class. */
export interface Strangeness {
  /** Its worst block's deviation over what is usual in the class, in units of what one honest run in a hundred reaches: 1 is the limit. */
  score: number;
  /** That block; undefined where the run cannot be compared. */
  block: BlockName | undefined;
  /** Share of honest runs of any program that are at least as strange; the laboratory's, not below 1 in 1,000. */
  p: number;
}

/** What is usual in a class of runs: for each block the mean square of how far one run is from the others. */
export interface ClassModel { past: readonly Uint8Array[]; usual: Float64Array }

/**
 * Learns how much runs of one class differ, block by block: a run's deviation is its median distance from the others, one by one
 * left out; a block's variance is the mean of their squares, shrunk towards what is usual among all programs (Smyth, Linear models and empirical
 * Bayes methods for assessing differential expression, 2004, section 3): few runs alone would take chance for certainty.
 *
 * @param priors deviation that is usual among programs, for each of DISTANCE_BLOCKS
 */
export function classModel(past: readonly Uint8Array[], priors: ArrayLike<number> = CLASS_PRIORS): ClassModel {
  const distances = past.map((a) => past.map((b) => blockDistances(a, b)));
  const usual = Float64Array.from(priors, (prior) => CLASS_PRIOR_WEIGHT * prior ** 2);
  for (const [i, row] of distances.entries()) {
    for (const [k, deviation] of deviations(row.filter((_, j) => j !== i)).entries()) usual[k]! += deviation ** 2;
  }
  return { past, usual: usual.map((sum) => Math.sqrt(sum / (CLASS_PRIOR_WEIGHT + past.length))) };
}

/** Deviation of a run over what is usual in its class, for each of DISTANCE_BLOCKS; all Infinity where it lacks what the others have. */
export function deviationsFrom({ past, usual }: ClassModel, sketch: Uint8Array): Float64Array {
  const comparable = past.filter((other) => sketchDistance(other, sketch).distance < Infinity);
  if (2 * comparable.length < past.length) return new Float64Array(usual.length).fill(Infinity);
  return deviations(comparable.map((other) => blockDistances(sketch, other))).map((deviation, k) => deviation / usual[k]!);
}

/** Scores beyond this say no more. */
const MAX_SCORE = 1000;

/** How strange a run is. @param model of at least MIN_CLASS_RUNS runs, or the limit does not hold */
export function strangenessOf(model: ClassModel, sketch: Uint8Array): Strangeness {
  const all = deviationsFrom(model, sketch);
  const worst = Math.max(...all);
  const block = worst === Infinity ? undefined : DISTANCE_BLOCKS[all.indexOf(worst)];
  return { score: Math.min(worst / CLASS_LIMITS.at(-2)![0], MAX_SCORE), block, p: CLASS_LIMITS.findLast(([limit]) => worst >= limit)?.[1] ?? 1 };
}

/** Median of each block's distances to other runs; of CPU time only what is less than theirs; 0 where nothing can be compared. */
function deviations(distances: readonly Float64Array[]): Float64Array {
  return Float64Array.from(DISTANCE_BLOCKS, (_, k) => {
    const known = distances.map((row) => row[k]!).filter((value) => !Number.isNaN(value)).sort((a, b) => a - b);
    if (known.length === 0) return 0;
    const middle = (known[(known.length - 1) >> 1]! + known[known.length >> 1]!) / 2;
    return k === CPU_BLOCK ? Math.max(0, -middle) : middle;
  });
}
