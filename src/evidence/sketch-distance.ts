import { BLOCKS, LONELY_FEATURES_DIVISOR, SKETCH_ABSENT, SKETCH_BYTES, SKETCH_SCALE, SKETCH_VERSION } from './constants.ts';

/** Each block's feature count and its tolerance in sketch steps: the constants COUNTS and TOLERANCES of SketchLib.sol. */
export const SKETCH_BLOCKS: readonly { count: number; tolerance: number }[] =
  BLOCKS.map(({ count, tolerance, unit }) => ({ count, tolerance: Math.round(tolerance * SKETCH_SCALE[unit]) }));

/**
 * Distance of two sketches in thousandths of the threshold: they agree when it is at most SKETCH_THRESHOLD. The same integers as
 * `SketchLib.distance`: per block floor(1000 * sum |a - b| / (n * tolerance)) over the n features both have, then the largest.
 * Infinity (there: the largest uint256) for bytes of another length or version, when no feature is shared, or when the features
 * that only one side has exceed a quarter of the shared ones: whoever hides what his peers saw does not agree with them.
 */
export function sketchDistance(a: Uint8Array, b: Uint8Array): number {
  if (!isSketch(a) || !isSketch(b)) return Infinity;
  let at = 1;
  let worst = 0;
  let shared = 0;
  let lonely = 0;
  for (const { count, tolerance } of SKETCH_BLOCKS) {
    let sum = 0;
    let n = 0;
    for (const end = at + 2 * count; at < end; at += 2) {
      const x = (a[at]! << 8) | a[at + 1]!;
      const y = (b[at]! << 8) | b[at + 1]!;
      if (x !== SKETCH_ABSENT && y !== SKETCH_ABSENT) {
        sum += Math.abs(x - y);
        n++;
      } else if (x !== y) lonely++;
    }
    shared += n;
    if (n > 0) worst = Math.max(worst, Math.floor((1000 * sum) / (n * tolerance)));
  }
  return shared === 0 || lonely * LONELY_FEATURES_DIVISOR > shared ? Infinity : worst;
}

function isSketch(bytes: Uint8Array): boolean {
  return bytes.length === SKETCH_BYTES && bytes[0] === SKETCH_VERSION;
}
