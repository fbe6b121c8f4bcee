import type { ChannelName, Trace } from '../../../src/protocol/index.ts';

/** Counters of a path, each as a share of its own end. */
const COUNTERS: readonly ChannelName[] = ['cpuUserNs', 'readBytes', 'writtenBytes', 'minorFaults'];

/**
 * A run as a path without time: for each sample the counters' shares, 0 to 1, and memory over its peak. A counter that the run does not have, or that
 * does not move, stays at 0.
 */
export function counterPath({ t, channels }: Trace): Float64Array[] {
  const share = (name: ChannelName): Float64Array => {
    const series = channels[name];
    const end = series?.at(-1) ?? 0;
    return series === undefined || !(end > 0) ? new Float64Array(t.length) : series.map((value) => value / end);
  };
  const resident = channels.residentBytes ?? new Float64Array(t.length);
  const peak = resident.reduce((most, value) => Math.max(most, value), 0) || 1;
  return [...COUNTERS.map(share), resident.map((value) => value / peak)];
}

/** A series at `points` + 1 places equally far along an axis that ascends from 0 to 1, linear between samples. */
export function along(axis: Float64Array, series: Float64Array, points: number): Float64Array {
  const values = new Float64Array(points + 1);
  for (let i = 0, k = 0; i <= points; i++) {
    const at = i / points;
    while (k < axis.length - 2 && axis[k + 1]! < at) k++;
    const width = axis.length < 2 ? 0 : axis[k + 1]! - axis[k]!;
    const next = series[k + 1] ?? series[k]!;
    values[i] = width > 0 ? series[k]! + Math.min(1, Math.max(0, (at - axis[k]!) / width)) * (next - series[k]!) : next;
  }
  return values;
}
