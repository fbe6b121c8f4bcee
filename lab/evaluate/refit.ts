import { compareFingerprints } from '../../src/evidence/fingerprint/compare-fingerprints.ts';
import { BLOCKS, CONTENT_BLOCK } from '../../src/evidence/constants.ts';
import type { Attack, Submission } from '../attackers/attack.ts';
import { detectBy, type FingerprintResult } from './detection.ts';
import { submissionFingerprint } from './fingerprints/submission-fingerprint.ts';
import type { Forgery } from './forge-all.ts';
import type { HonestPair } from './honest-pairs.ts';
import type { Measured } from './measure.ts';
import { quantile } from './statistics/quantile.ts';

/** A block's refitted tolerance is this quantile of the other programs' honest differences; */
const TOLERANCE_QUANTILE = 0.995;
/** but at least this share of the product's, or a block in which others never differ would reject on a rounding error. */
const MIN_TOLERANCE = 0.1;

export const REFITTED = 'full, refitted';

const NAMES = [...BLOCKS.map(({ name }) => name as string), CONTENT_BLOCK];

/**
 * The full fingerprint with every tolerance fitted anew for each program from the honest pairs of all others, and so is its threshold:
 * what it would catch on a program that nobody had seen when the tolerances were chosen. The blocks themselves were designed by people
 * who had seen the corpus.
 */
export function refit(pairs: readonly HonestPair[], forgeries: readonly Forgery[], attacks: readonly Attack[]): FingerprintResult {
  const honest = pairs.map(({ a, b }) => blocksOf(a, b));
  const forged = forgeries.map(({ submission, targets }) => targets.map((target) => blocksOf(submission, target)));
  const families = pairs.map(({ job }) => job.family);
  const measuredFor = (family: string): Measured => {
    const others = honest.filter((_, i) => families[i] !== family);
    const scales = NAMES.map((_, k) => Math.max(MIN_TOLERANCE, quantile(Float64Array.from(others, (blocks) => blocks[k]!).filter((value) => value < Infinity).sort(), TOLERANCE_QUANTILE) || 0));
    const worst = (blocks: Float64Array) => blocks.reduce((max, value, k) => Math.max(max, value / scales[k]!), 0);
    return {
      plugin: PLUGIN,
      honest: Float64Array.from(honest, worst),
      forged: forged.map((targets, i) => (forgeries[i]!.job.family === family ? Float64Array.from(targets, worst) : new Float64Array(0))),
    };
  };
  return detectBy(PLUGIN, measuredFor, pairs, forgeries, attacks);
}

const PLUGIN: Measured['plugin'] = {
  name: REFITTED,
  about: 'the full fingerprint with all tolerances and the threshold from the other programs only',
  kind: 'fingerprint',
  prepare: () => () => Number.NaN,
};

/** Distance of each block in the product's tolerances; 0 where it is absent, Infinity everywhere for what cannot be compared. */
function blocksOf(a: Submission, b: Submission): Float64Array {
  const { distance, blocks } = compareFingerprints(submissionFingerprint(a), submissionFingerprint(b));
  const values = new Float64Array(NAMES.length);
  if (distance === Infinity) return values.fill(Infinity);
  for (const block of blocks) values[NAMES.indexOf(block.name)] = block.distance;
  return values;
}
