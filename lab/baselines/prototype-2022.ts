import type { Trace } from '../../src/protocol/index.ts';
import { definePlugin } from '../evaluate/fingerprint-plugin.ts';

/** Equally spaced points over the longer run. */
const WAYPOINTS = 10;
const MB = 1e6;

/**
 * The distance of the 2022 prototype (bacalhau `internal/traces/traces.go` at 34aacd411): ten equally spaced waypoints over the longest
 * run, at each the first sample after it, and the mean of the signed differences of resident memory, in MB; of two runs, whose average
 * lies half-way. Errors of opposite sign cancel.
 */
export function prototypeDistance(a: Trace, b: Trace): number {
  const longest = Math.max(a.t.at(-1)!, b.t.at(-1)!);
  const [x, y] = [waypoints(a, longest), waypoints(b, longest)];
  let sum = 0;
  for (let i = 0; i < WAYPOINTS; i++) sum += (x[i]! + y[i]!) / 2 - x[i]!;
  return Math.abs(sum / WAYPOINTS);
}

/** Memory at each waypoint, MB; where the run was over by then, its last sample. */
function waypoints({ t, channels: { residentBytes } }: Trace, longestMs: number): Float64Array {
  return Float64Array.from({ length: WAYPOINTS }, (_, i) => {
    const after = t.findIndex((ms) => ms >= (longestMs * i) / WAYPOINTS);
    return (residentBytes?.at(after) ?? 0) / MB;
  });
}

export const prototype2022 = definePlugin({
  name: '2022 prototype',
  about: 'ten waypoints on wall time, signed mean difference of memory',
  kind: 'baseline',
  deployed: 0.5,
  of: ({ trace }) => trace,
  distance: prototypeDistance,
});
