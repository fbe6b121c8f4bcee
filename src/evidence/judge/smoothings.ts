import type { ChannelName, Trace } from '../../protocol/trace/trace.ts';
import { NOISY_CHANNELS } from '../constants.ts';
import { evenly } from './evenly.ts';

/** Samples of a long run that are smoothed: what is finer is below the limits of a copy. */
const SAMPLES = 2000;
/** Smoothing over fewer samples than this part of a run on either side does not move its path by as much as the limits. */
const FINEST = 256;
/** Smoothing over a larger part of the run on either side leaves nothing to be known by, */
const COARSEST = 16;
/** but of a short run this many samples are always tried: at 20 ms a third of a second. */
const REACH = 8;

/**
 * What a copyist may have made of a run to hide its own noise: NOISY_CHANNELS of the run as it is, and each replaced by its means over one, two, four
 * samples and so on to either side, over fewer towards the ends, which stay where they are, and never falling. Time stays. A smoothing between
 * two of these is near enough to one. O(samples).
 *
 * @returns the run as it is first
 */
export function smoothings(trace: Trace): [Trace, ...Trace[]] {
  const samples = evenly(0, trace.t.length, SAMPLES);
  const names = NOISY_CHANNELS.filter((name) => trace.channels[name] !== undefined);
  const few = (series: Float64Array) => Float64Array.from(samples, (i) => series[i]!);
  const t = few(trace.t);
  const plain = names.map((name): [ChannelName, Float64Array] => [name, few(trace.channels[name]!)]);
  const form = (change: (series: Float64Array) => Float64Array): Trace => ({ ...trace, t, channels: Object.fromEntries(plain.map(([name, series]) => [name, change(series)])) });
  const forms: [Trace, ...Trace[]] = [form((series) => series)];
  for (let reach = Math.max(1, t.length / FINEST); reach <= Math.max(REACH, t.length / COARSEST); reach *= 2) forms.push(form((series) => means(series, Math.round(reach))));
  return forms;
}

function means(series: Float64Array, reach: number): Float64Array {
  const { length } = series;
  const sums = new Float64Array(length + 1);
  for (let i = 0; i < length; i++) sums[i + 1] = sums[i]! + series[i]!;
  const out = new Float64Array(length);
  for (let i = 0; i < length; i++) {
    const near = Math.min(reach, i, length - 1 - i);
    // Counts are whole; a small one shows it.
    const mean = Math.round((sums[i + near + 1]! - sums[i - near]!) / (2 * near + 1));
    out[i] = i > 0 ? Math.max(mean, out[i - 1]!) : mean;
  }
  return out;
}
