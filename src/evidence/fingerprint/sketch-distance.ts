import { BLOCKS, FEATURES, LONELY_FEATURES_DIVISOR, MAX_SLACK, SKETCH_ABSENT, SKETCH_BYTES, SKETCH_CONTENT_TOLERANCE, SKETCH_SCALE, SKETCH_VERSION, type Block } from '../constants.ts';

/** Each block's feature count, whether the last of them is slack, and its tolerances in sketch steps: COUNTS, CURVES, TOLERANCES and STRICT of SketchLib.sol. */
export const SKETCH_BLOCKS: readonly { count: number; curve: boolean; tolerance: number; strict: number }[] =
  (BLOCKS as readonly Block[]).map(({ kind, count, tolerance, unit, strict = tolerance }) => (
    { count, curve: kind === 'curve', tolerance: Math.round(tolerance * SKETCH_SCALE[unit]), strict: Math.round(strict * SKETCH_SCALE[unit]) }));

/**
 * Distances of two sketches in thousandths of the threshold, by the tolerances and by the strict ones: they agree when it is at most
 * SKETCH_THRESHOLD. The same integers as `SketchLib.distance`: per block floor(1000 * (sum |a - b| - n * slack) / (n * tolerance)) over
 * the n features both have, then the largest; the slack, of curves only, is both sides' together, at most MAX_SLACK tolerances. Strictly
 * also floor(1000 * bits of content that differ / 8). Infinity (there: the largest uint256) for bytes of another length or version, when no feature is shared, or when the features that only one side has exceed a
 * quarter of the shared ones: whoever hides what his peers saw does not agree with them.
 */
export function sketchDistance(a: Uint8Array, b: Uint8Array): { distance: number; strict: number } {
  const none = { distance: Infinity, strict: Infinity };
  if (!isSketch(a) || !isSketch(b)) return none;
  let at = 1;
  let distance = 0;
  let worst = Math.floor((1000 * contentBits(a, b)) / SKETCH_CONTENT_TOLERANCE);
  let shared = 0;
  let lonely = 0;
  for (let block = 0; block < SKETCH_BLOCKS.length; block++) {
    const { count, curve, tolerance, strict } = SKETCH_BLOCKS[block]!;
    let sum = 0;
    let n = 0;
    const next = at + 2 * count;
    const slack = curve ? slackAt(a, next - 2) + slackAt(b, next - 2) : 0;
    for (const end = curve ? next - 2 : next; at < end; at += 2) {
      const x = (a[at]! << 8) | a[at + 1]!;
      const y = (b[at]! << 8) | b[at + 1]!;
      if (x !== SKETCH_ABSENT && y !== SKETCH_ABSENT) {
        sum += Math.abs(x - y);
        n++;
      } else if (x !== y) lonely++;
    }
    at = next;
    shared += n;
    if (n === 0) continue;
    distance = Math.max(distance, beyond(tolerance, sum, n, slack));
    worst = Math.max(worst, beyond(strict, sum, n, slack));
  }
  return shared === 0 || lonely * LONELY_FEATURES_DIVISOR > shared ? none : { distance, strict: worst };
}

/** How far a block is apart beyond its slack, in thousandths of a tolerance. */
function beyond(limit: number, sum: number, n: number, slack: number): number {
  return Math.floor((1000 * Math.max(sum - n * Math.min(slack, MAX_SLACK * limit), 0)) / (n * limit));
}

/** A curve's slack; none where it is absent. */
function slackAt(sketch: Uint8Array, at: number): number {
  const slack = (sketch[at]! << 8) | sketch[at + 1]!;
  return slack === SKETCH_ABSENT ? 0 : slack;
}

/** How many of the 64 bits of content differ, of two sketches. */
export function contentBits(a: Uint8Array, b: Uint8Array): number {
  let bits = 0;
  for (let i = 1 + 2 * FEATURES; i < SKETCH_BYTES; i++) {
    for (let rest = a[i]! ^ b[i]!; rest !== 0; rest &= rest - 1) bits++;
  }
  return bits;
}

function isSketch(bytes: Uint8Array): boolean {
  return bytes.length === SKETCH_BYTES && bytes[0] === SKETCH_VERSION;
}
