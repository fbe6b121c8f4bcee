import { BLOCKS, CONTENT_BLOCK, CONTENT_TOLERANCE, LONELY_FEATURES_DIVISOR, MAX_SLACK, type Block, type BlockName } from '../constants.ts';
import { contentSimilarity } from './content-minima.ts';
import type { Fingerprint } from './fingerprint.ts';

/** How far two fingerprints are apart, 1 being the most that honest runs differ. */
export interface Comparison {
  /** The worst block's distance; Infinity when too few features are on both sides. */
  distance: number;
  /** The same by the strict tolerances, which programs keep that do exactly the same each time; never below `distance`. */
  strict: number;
  /** Every block both sides have, in the fingerprint's order. */
  blocks: { name: BlockName; distance: number; strict: number }[];
}

/**
 * Compares two replicas: a block's distance is the mean absolute difference of the features both have, divided by the block's
 * tolerance. A curve's slack is taken off first, both sides' together. The worst block decides, so that a perfect output cannot make up for work that was not done. The same measure as
 * `sketchDistance`, before rounding: what the client sees is what the contract will decide.
 */
export function compareFingerprints(a: Fingerprint, b: Fingerprint): Comparison {
  const blocks: Comparison['blocks'] = [];
  let at = 0;
  let shared = 0;
  let lonely = 0;
  for (const { name, kind, count, tolerance, strict = tolerance } of BLOCKS as readonly (Block & { name: BlockName })[]) {
    let sum = 0;
    let n = 0;
    const next = at + count;
    const slack = kind === 'curve' ? a.features[next - 1]! + b.features[next - 1]! : 0;
    for (const end = kind === 'curve' ? next - 1 : next; at < end; at++) {
      const x = a.features[at]!;
      const y = b.features[at]!;
      const absent = Number(Number.isNaN(x)) + Number(Number.isNaN(y));
      if (absent === 0) {
        sum += Math.abs(x - y);
        n++;
      } else if (absent === 1) lonely++;
    }
    at = next;
    shared += n;
    const beyond = (limit: number) => Math.max(sum / n - Math.min(slack, MAX_SLACK * limit), 0) / limit;
    if (n > 0) blocks.push({ name, distance: beyond(tolerance), strict: beyond(strict) });
  }
  if (a.content !== undefined && b.content !== undefined) {
    blocks.push({ name: CONTENT_BLOCK, distance: 0, strict: (1 - contentSimilarity(a.content, b.content)) / CONTENT_TOLERANCE });
  }
  if (shared === 0 || lonely * LONELY_FEATURES_DIVISOR > shared) return { distance: Infinity, strict: Infinity, blocks };
  return { distance: Math.max(...blocks.map((block) => block.distance)), strict: Math.max(...blocks.map((block) => block.strict)), blocks };
}
