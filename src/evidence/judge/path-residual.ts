import type { ChannelName, Trace } from '../../protocol/trace.ts';
import { NOISY_CHANNELS } from '../constants.ts';

/** Points of the one path that are held against the other: enough for a median. */
const POINTS = 200;
/** Segments of the other: bounds the work on long traces. */
const SEGMENTS = 800;

/**
 * How far apart the paths of two runs lie through the space of time and NOISY_CHANNELS, each from 0 to 1 as a share of its own end: the median distance of one path's
 * samples from the other's nearest segment, from whichever side it is smaller. It does not depend on when either was sampled or on how
 * its totals were scaled. Two honest runs differ by what their machines did; a copy lies on its original even when it was sampled anew.
 *
 * @returns 0 for the same path; undefined where either has too few samples between its ends to say
 */
export function pathResidual(a: Trace, b: Trace): number | undefined {
  const channels = NOISY_CHANNELS.filter((name) => (a.channels[name]?.at(-1) ?? 0) > 0 && (b.channels[name]?.at(-1) ?? 0) > 0);
  const [p, q] = [pathOf(a, channels), pathOf(b, channels)];
  const from = distances(p, q, channels.length + 1);
  const back = distances(q, p, channels.length + 1);
  if (from.length < MIN_POINTS || back.length < MIN_POINTS) return undefined;
  return Math.min(median(from), median(back));
}

/** Fewer samples than these between start and end leave a path to chance. */
export const MIN_POINTS = 3;

/** Rows of time and counters, each over its end. */
function pathOf({ t, channels }: Trace, names: readonly ChannelName[]): Float64Array[] {
  const series = [t, ...names.map((name) => channels[name]!)];
  return Array.from(t, (_, i) => Float64Array.from(series, (values) => values[i]! / (values.at(-1)! || 1)));
}

function distances(path: readonly Float64Array[], other: readonly Float64Array[], dimensions: number): number[] {
  const inner = thin(path.slice(1, -1), POINTS);
  const line = thin(other, SEGMENTS);
  return inner.map((point) => {
    let best = Infinity;
    for (let j = 1; j < line.length; j++) best = Math.min(best, toSegment(point, line[j - 1]!, line[j]!, dimensions));
    return Math.sqrt(best);
  });
}

/** Squared distance of a point from a segment. */
function toSegment(point: Float64Array, start: Float64Array, end: Float64Array, dimensions: number): number {
  let length = 0;
  let along = 0;
  for (let k = 0; k < dimensions; k++) {
    const step = end[k]! - start[k]!;
    length += step * step;
    along += step * (point[k]! - start[k]!);
  }
  const share = length > 0 ? Math.min(1, Math.max(0, along / length)) : 0;
  let sum = 0;
  for (let k = 0; k < dimensions; k++) {
    const off = point[k]! - start[k]! - share * (end[k]! - start[k]!);
    sum += off * off;
  }
  return sum;
}

/** At most `count` of a list, evenly spread, its ends among them. */
function thin<T>(list: readonly T[], count: number): readonly T[] {
  return list.length <= count ? list : Array.from({ length: count }, (_, i) => list[Math.round((i * (list.length - 1)) / (count - 1))]!);
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)]!;
}
