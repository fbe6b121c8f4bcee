import type { Trace } from '../../protocol/trace/trace.ts';
import { evenly } from './evenly.ts';
import { pathOf, sharedCounters, type Path } from './path-of.ts';

/** Points of the one path that are held against the other, unless told otherwise: enough for a median. */
const POINTS = 200;
/** Corners of the other: bounds the work on long traces. */
const CORNERS = 800;
/** Fewer samples than these between start and end leave a path to chance. */
const MIN_POINTS = 3;

/**
 * How far apart the paths of two runs lie through the space of time and NOISY_CHANNELS, each from 0 to 1 as a share of its own end: the median distance of one path's
 * samples from the other's nearest segment, from whichever side it is smaller. It does not depend on when either was sampled or on how
 * its totals were scaled. Two honest runs differ by what their machines did; a copy lies on its original even when it was sampled anew.
 *
 * @param points of each path that are held against the other
 * @returns 0 for the same path; undefined where either has too few samples between its ends to say
 */
export function pathResidual(a: Trace, b: Trace, points = POINTS): number | undefined {
  if (Math.min(a.t.length, b.t.length) < MIN_POINTS + 2) return undefined;
  const names = sharedCounters(a, b);
  const residual = (from: Trace, to: Trace) => median(distances(pathOf(from, names, evenly(1, from.t.length - 1, points)), pathOf(to, names, evenly(0, to.t.length, CORNERS))));
  return Math.min(residual(a, b), residual(b, a));
}

/** Distance of each point from the line through the corners. Time is one of the coordinates, so what is farther off in time alone than the nearest segment yet is not looked at. */
function distances(points: Path, corners: Path): number[] {
  let near = 1;
  return points.map((point) => {
    while (near < corners.length - 1 && corners[near]![0]! < point[0]!) near++;
    let best = Infinity;
    for (let j = near; j >= 1 && square(Math.max(0, point[0]! - corners[j]![0]!)) < best; j--) best = Math.min(best, toSegment(point, corners[j - 1]!, corners[j]!));
    for (let j = near + 1; j < corners.length && square(Math.max(0, corners[j - 1]![0]! - point[0]!)) < best; j++) best = Math.min(best, toSegment(point, corners[j - 1]!, corners[j]!));
    return Math.sqrt(best);
  });
}

/** Squared distance of a point from a segment. */
function toSegment(point: Float64Array, start: Float64Array, end: Float64Array): number {
  let length = 0;
  let along = 0;
  for (let k = 0; k < point.length; k++) {
    const step = end[k]! - start[k]!;
    length += step * step;
    along += step * (point[k]! - start[k]!);
  }
  const share = length > 0 ? Math.min(1, Math.max(0, along / length)) : 0;
  let sum = 0;
  for (let k = 0; k < point.length; k++) sum += square(point[k]! - start[k]! - share * (end[k]! - start[k]!));
  return sum;
}

function square(value: number): number {
  return value * value;
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1]!;
}
