import { apartOf, type Apart } from './apart-of.ts';
import { blockDistances, CPU_BLOCK, DISTANCE_BLOCKS } from './block-distances.ts';
import { CLASS_BLOCK_LIMITS, CLASS_LIMIT, CLASS_PRIOR_WEIGHT, CLASS_PRIORS, CLASS_SCORES, type BlockName } from '../constants.ts';

/** How strange one run is beside earlier ones of its class. */
export interface Strangeness {
  /** Its worst block's deviation over what is usual in the class, in units of what one honest run in a hundred reaches: 1 is the limit. */
  score: number;
  /** That block; undefined where the run cannot be compared. */
  block: BlockName | undefined;
  /** Share of honest runs of any program that are at least as strange; the laboratory's, not below 1 in 1,000. */
  p: number;
}

/** What is known of a class of runs: for each block the sum of the squares of how far one run is from the others, in tolerances. */
export interface ClassModel { past: readonly Uint8Array[]; spread: Float64Array }

/** Learns how much runs of one class differ, block by block: a run's deviation is its median distance from the others, each left out in turn. */
export function classModel(past: readonly Uint8Array[]): ClassModel {
  const spread = new Float64Array(DISTANCE_BLOCKS.length);
  const distances = past.map((a) => past.map((b) => blockDistances(a, b)));
  for (const [i, row] of distances.entries()) {
    for (const [k, deviation] of medians(row.filter((_, j) => j !== i)).entries()) spread[k]! += deviation ** 2;
  }
  return { past, spread };
}

/** Deviation of a run from those of its class, in tolerances, for each of DISTANCE_BLOCKS; all Infinity where it lacks what most of them have. */
export function deviationsFrom({ past }: ClassModel, sketch: Uint8Array): Float64Array {
  return deviationsOf(past.map((other) => apartOf(sketch, other)));
}

/** The same of how far a run is from each of its class. */
export function deviationsOf(aparts: readonly Apart[]): Float64Array {
  const comparable = aparts.filter(({ distance }) => distance < Infinity);
  if (2 * comparable.length < aparts.length) return new Float64Array(DISTANCE_BLOCKS.length).fill(Infinity);
  return medians(comparable.map(({ blocks }) => blocks));
}

/**
 * Deviations over what is usual in the class, and over how far honest runs go beyond that in each block: 1 is about the limit of each. A block's
 * usual deviation is the root of its mean square in the class, shrunk towards what is usual among all programs (Smyth, Linear models and
 * empirical Bayes methods for assessing differential expression, 2004, section 3): few runs alone would take chance for certainty.
 *
 * @param priors deviation that is usual among programs, in tolerances, for each of DISTANCE_BLOCKS
 * @param limits how many times the usual one a deviation of an honest run is at most
 */
export function scaledDeviations({ past, spread }: ClassModel, deviations: Float64Array, priors: ArrayLike<number> = CLASS_PRIORS, limits: ArrayLike<number> = CLASS_BLOCK_LIMITS): Float64Array {
  return deviations.map((deviation, k) => deviation / (limits[k]! * Math.sqrt((CLASS_PRIOR_WEIGHT * priors[k]! ** 2 + spread[k]!) / (CLASS_PRIOR_WEIGHT + past.length))));
}

/** Scores beyond this say no more. */
const MAX_SCORE = 1000;

/** How strange a run is. @param model of at least MIN_CLASS_RUNS runs, or the limit does not hold */
export function strangenessOf(model: ClassModel, sketch: Uint8Array): Strangeness {
  return strangenessBy(model, deviationsFrom(model, sketch));
}

/** The same of a run's deviations. */
export function strangenessBy(model: ClassModel, deviations: Float64Array): Strangeness {
  const all = scaledDeviations(model, deviations);
  const worst = Math.max(...all);
  const block = worst === Infinity ? undefined : DISTANCE_BLOCKS[all.indexOf(worst)];
  return { score: Math.min(worst / CLASS_LIMIT, MAX_SCORE), block, p: CLASS_SCORES.findLast(([score]) => worst >= score)?.[1] ?? 1 };
}

/** Median of each block's distances to other runs; of CPU time only what is less than theirs; 0 where nothing can be compared. */
function medians(distances: readonly Float64Array[]): Float64Array {
  return Float64Array.from(DISTANCE_BLOCKS, (_, k) => {
    const known = distances.map((row) => row[k]!).filter((value) => !Number.isNaN(value)).sort((a, b) => a - b);
    return middleOf(known, k);
  });
}

/** Median of ascending distances in block k; of CPU time only what is less than the others'; 0 of none. */
export function middleOf(sorted: readonly number[], k: number): number {
  if (sorted.length === 0) return 0;
  const middle = (sorted[(sorted.length - 1) >> 1]! + sorted[sorted.length >> 1]!) / 2;
  return k === CPU_BLOCK ? Math.max(0, -middle) : middle;
}
