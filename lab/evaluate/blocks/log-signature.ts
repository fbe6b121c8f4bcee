import { definePlugin } from '../fingerprint-plugin.ts';
import { counterPath } from './counter-path.ts';

/** A truncated tensor series without its leading 1: level 1, 2 and 3, row by row. */
interface Levels { one: Float64Array; two: Float64Array; three: Float64Array }

/**
 * Log-signature of a path up to level 3: the logarithm of its signature in the tensor algebra, which does not depend on how fast the
 * path is run through (Chen, Integration of paths, 1957; Chevyrev and Kormilitzin, A primer on the signature method, 2016, sections 1.2 and 1.3).
 * Level 2 are the areas between each two channels, level 3 says in which third of the path they lie. O(samples x channels^3).
 */
export function logSignature(path: readonly Float64Array[]): Levels {
  const d = path.length;
  const s: Levels = { one: new Float64Array(d), two: new Float64Array(d * d), three: new Float64Array(d ** 3) };
  const step = new Float64Array(d);
  for (let i = 1; i < path[0]!.length; i++) {
    for (let a = 0; a < d; a++) step[a] = path[a]![i]! - path[a]![i - 1]!;
    // Chen's identity with the exponential of one straight piece, the highest level first, because each needs those below as they were.
    for (let a = 0; a < d; a++) for (let b = 0; b < d; b++) for (let c = 0; c < d; c++) {
      s.three[(a * d + b) * d + c]! += s.two[a * d + b]! * step[c]! + (s.one[a]! * step[b]! * step[c]!) / 2 + (step[a]! * step[b]! * step[c]!) / 6;
    }
    for (let a = 0; a < d; a++) for (let b = 0; b < d; b++) s.two[a * d + b]! += s.one[a]! * step[b]! + (step[a]! * step[b]!) / 2;
    for (let a = 0; a < d; a++) s.one[a]! += step[a]!;
  }
  // log(1 + x) = x - x^2 / 2 + x^3 / 3.
  const two = s.two.map((value, i) => value - (s.one[Math.floor(i / d)]! * s.one[i % d]!) / 2);
  const three = s.three.map((value, i) => {
    const [a, b, c] = [Math.floor(i / d / d), Math.floor(i / d) % d, i % d];
    return value - (s.one[a]! * s.two[b * d + c]! + s.two[a * d + b]! * s.one[c]!) / 2 + (s.one[a]! * s.one[b]! * s.one[c]!) / 3;
  });
  return { one: s.one, two, three };
}

export const logSignatures = definePlugin({
  name: 'log-signature',
  about: 'log-signature up to level 3 of the path of CPU, reading, writing, faults and memory, mean absolute difference (Chen 1957)',
  kind: 'tried',
  of: ({ trace }) => logSignature(counterPath(trace)),
  distance: (a, b) => meanDifference(a.two, b.two) + meanDifference(a.three, b.three),
});

function meanDifference(a: Float64Array, b: Float64Array): number {
  return a.reduce((sum, value, i) => sum + Math.abs(value - b[i]!), 0) / a.length;
}
