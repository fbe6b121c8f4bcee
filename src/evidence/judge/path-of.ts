import type { ChannelName, Trace } from '../../protocol/trace/trace.ts';
import { NOISY_CHANNELS } from '../constants.ts';

/** A run as a path: rows of time and counters, each from 0 to 1 as a share of its own end. */
export type Path = readonly Float64Array[];

/** Counters that both runs have, and in which either of them did something. */
export function sharedCounters(a: Trace, b: Trace): ChannelName[] {
  return NOISY_CHANNELS.filter((name) => (a.channels[name]?.at(-1) ?? 0) > 0 && (b.channels[name]?.at(-1) ?? 0) > 0);
}

/** Points of a run's path at some of its samples. */
export function pathOf({ t, channels }: Trace, names: readonly ChannelName[], samples: readonly number[]): Path {
  const series = [t, ...names.map((name) => channels[name]!)];
  const scales = series.map((values) => 1 / (values.at(-1)! || 1));
  return samples.map((i) => Float64Array.from(series, (values, k) => values[i]! * scales[k]!));
}
