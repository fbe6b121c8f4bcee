import { BLOCKS, CONTENT_BLOCK, MAX_SLACK, SKETCH_ABSENT, SKETCH_CONTENT_BYTES, type BlockName } from '../constants.ts';
import { contentBits, SKETCH_BLOCKS } from '../fingerprint/sketch-distance.ts';

/** What `blockDistances` gives, in its order. */
export const DISTANCE_BLOCKS: readonly BlockName[] = [...BLOCKS.map(({ name }) => name), CONTENT_BLOCK];
/** Place of the one distance that has a sign: a run with less CPU time than another did less, one with more was merely disturbed. */
export const CPU_BLOCK = DISTANCE_BLOCKS.indexOf('CPU time');

/**
 * How far two sketches are apart in each block, in tolerances, as `sketchDistance` measures it but not rounded; content as the share of its
 * bits that differ over the half that do by chance. CPU time is negative where the first took less. NaN where either lacks the block.
 */
export function blockDistances(a: Uint8Array, b: Uint8Array): Float64Array {
  const distances = new Float64Array(DISTANCE_BLOCKS.length);
  let at = 1;
  // Plain counters: a class of 128 runs asks this hundreds of times for each run it takes in.
  for (let i = 0; i < SKETCH_BLOCKS.length; i++) {
    const { count, curve, tolerance } = SKETCH_BLOCKS[i]!;
    const next = at + 2 * count;
    const end = curve ? next - 2 : next;
    let sum = 0;
    let n = 0;
    let first = 0;
    for (; at < end; at += 2) {
      const x = word(a, at);
      const y = word(b, at);
      if (x === SKETCH_ABSENT || y === SKETCH_ABSENT) continue;
      first = x - y;
      sum += Math.abs(first);
      n++;
    }
    const slack = curve && n > 0 ? Math.min(word(a, end) + word(b, end), MAX_SLACK * tolerance) : 0;
    const apart = Math.max(sum / n - slack, 0) / tolerance;
    distances[i] = i === CPU_BLOCK && first < 0 ? -apart : apart;
    at = next;
  }
  distances[distances.length - 1] = contentBits(a, b) / (4 * SKETCH_CONTENT_BYTES);
  return distances;
}

function word(bytes: Uint8Array, at: number): number {
  return (bytes[at]! << 8) | bytes[at + 1]!;
}
