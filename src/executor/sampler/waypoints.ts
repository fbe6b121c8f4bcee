import { readSync } from 'node:fs';
import { CHANNELS, type ChannelName } from '../../protocol/index.ts';
import { COUNTS_BYTES, RUNTIME_CHANNELS } from './runtime-counts.ts';
import type { Sampling } from './sampler-protocol.ts';

/** Most waypoints that are taken of a run, whatever its runtime claims. */
export const MAX_WAYPOINTS = 1600;
const FIELDS = 1 + RUNTIME_CHANNELS.length;
/** Room of the file in which a runtime inside the job keeps its counts: a record (RuntimeCounts), the number of waypoints, and they. */
export const COUNTER_FILE_BYTES = COUNTS_BYTES + 8 * (1 + MAX_WAYPOINTS * FIELDS);
/** Two samples are at least this far apart, ms. */
const MIN_STEP_MS = 1e-3;

/** What a runtime inside the job knew of a moment: ms of the machine's monotonic clock, then RUNTIME_CHANNELS. */
export type Waypoint = Float64Array;

/** The waypoints in a runtime's file; none where what is there is not a way. */
export function readWaypoints(fd: number): Waypoint[] {
  const words = new Float64Array(1 + MAX_WAYPOINTS * FIELDS);
  const read = readSync(fd, new Uint8Array(words.buffer), 0, words.byteLength, COUNTS_BYTES);
  const count = words[0]!;
  if (!(Number.isInteger(count) && count >= 0 && count <= MAX_WAYPOINTS) || read < 8 * (1 + count * FIELDS)) return [];
  const waypoints = Array.from({ length: count }, (_, i) => words.slice(1 + i * FIELDS, 1 + (i + 1) * FIELDS));
  return waypoints.every((state, i) => state.every((value) => value >= 0 && value < Infinity) && (i === 0 || order(waypoints[i - 1]!, state) <= 0)) ? waypoints : [];
}

/**
 * Puts a runtime's waypoints between the samples, where they belong by what had been done, so that the series run through every turn of
 * the job's way, however seldom they were sampled. Channels that the runtime does not count have their last sampled value there.
 */
export function alongWaypoints(sampling: Sampling, waypoints: readonly Waypoint[]): Sampling {
  const { t, channels, startedMs } = sampling;
  if (waypoints.length === 0 || startedMs === undefined || t.length === 0) return sampling;
  const counted = RUNTIME_CHANNELS.map((name) => channels[name]!);
  const sampleAt = (i: number): Waypoint => Float64Array.of(t[i]!, ...counted.map((series) => series[i]!));
  /** Rows of the result: the sample whose other channels they have, and a waypoint in its stead. */
  const rows: { sample: number; waypoint?: Waypoint }[] = [{ sample: 0 }];
  let next = 0;
  for (let i = 1; i < t.length; i++) {
    const [before, after] = [sampleAt(i - 1), sampleAt(i)];
    while (next < waypoints.length && order(waypoints[next]!, after) < 0) {
      const waypoint = waypoints[next++]!;
      // What was sampled is not said twice.
      if (order(waypoint, before) > 0) rows.push({ sample: i - 1, waypoint });
    }
    rows.push({ sample: i });
  }
  const times = new Float64Array(rows.length);
  rows.forEach(({ sample, waypoint }, i) => {
    const ms = waypoint === undefined ? t[sample]! : waypoint[0]! - startedMs;
    times[i] = i === 0 ? 0 : Math.max(ms, times[i - 1]! + MIN_STEP_MS);
  });
  const column = (name: ChannelName): Float64Array => {
    const field = (RUNTIME_CHANNELS as readonly ChannelName[]).indexOf(name);
    const series = Float64Array.from(rows, ({ sample, waypoint }) => (waypoint === undefined || field < 0 ? channels[name]![sample]! : waypoint[1 + field]!));
    if (CHANNELS[name].kind === 'counter') for (let i = 1; i < series.length; i++) series[i] = Math.max(series[i]!, series[i - 1]!);
    return series;
  };
  return { ...sampling, t: times, channels: Object.fromEntries((Object.keys(channels) as ChannelName[]).map((name) => [name, column(name)])) };
}

/** Which of two moments of one way came first: below 0 for the first. Every count but the memory's only grows along it. */
function order(a: Waypoint, b: Waypoint): number {
  return a[1]! - b[1]! || sum(a) - sum(b) || a[2]! - b[2]!;
}

function sum(state: Waypoint): number {
  return state[3]! + state[4]! + state[5]! + state[6]!;
}
