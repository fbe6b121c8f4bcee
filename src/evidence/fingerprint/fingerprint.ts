import type { ChannelName, OutputProfile, Trace } from '../../protocol/trace/trace.ts';
import { BLOCKS, CONTENT_MIN_BYTES, CURVE_POINTS, ENTROPY_POINTS, FEATURES, FLOORS, MIN_SAMPLED_SHARE, PROFILE_BINS, PROFILE_SEGMENTS } from '../constants.ts';

/** What two replicas are compared by: the features of BLOCKS one after the other, in each block's unit. */
export interface Fingerprint {
  version: 1;
  /** FEATURES long; NaN where the engine could not see the channel. */
  features: Float64Array;
  /** The output's minima; absent where the output is not known or too small to say much. */
  content?: Uint32Array;
}

/**
 * Counters whose progress is the work axis; each weighs the same, so that neither a memory-bound nor a reading phase is squeezed to a point.
 * Instructions are counted in a wasm engine only, and exactly: there they stand for CPU time and page faults.
 */
const AXIS = ['readBytes', 'writtenBytes', 'minorFaults', 'cpuNs', 'instructions'] as const;

type Counter = (typeof AXIS)[number];

/**
 * The fingerprint of one replica. Totals are logarithms with a noise floor, so that levels survive and start-up costs do not decide;
 * curves run over work, never over wall time, so that a slow or busy machine draws the same picture; wall time, page cache, major faults
 * and the kernel's CPU time take no part, because the host's other tenants decide them. Pure; O(samples).
 *
 * @param profile left out for a trace whose output nobody profiled: its blocks are then absent
 */
export function fingerprintOf(trace: Trace, profile?: OutputProfile): Fingerprint {
  const features = new Float64Array(FEATURES).fill(Number.NaN);
  const put = (name: FeatureBlock, values: ArrayLike<number>): void => features.set(Array.from(values), OFFSETS[name]);
  const series = workSeries(trace);

  const total = (name: FeatureBlock, channel: keyof typeof FLOORS, amount: (s: Float64Array) => number): void => {
    const s = series[channel];
    if (s !== undefined && s.length > 0) put(name, [octaves(amount(s), FLOORS[channel])]);
  };
  total('peak memory', 'residentBytes', peak);
  total('page faults', 'minorFaults', last);
  total('bytes read', 'readBytes', last);
  total('bytes written', 'writtenBytes', last);
  total('read calls', 'readCalls', last);
  total('write calls', 'writeCalls', last);
  total('CPU time', 'cpuNs', last);
  total('instructions', 'instructions', last);

  if ((series.cpuNs ?? series.instructions) !== undefined && trace.t.length > 0) {
    const axis = axisOf(trace.t.length, series);
    // Else a trace that was made up, of a few samples, could be excused from having any shape.
    const sampled = trace.t.length > MIN_SAMPLED_SHARE * (last(trace.t) / trace.intervalMs);
    const curve = (value: (sample: number) => number) => curveOver(axis, value, sampled);
    const resident = series.residentBytes;
    if (resident !== undefined) {
      const top = octaves(peak(resident), FLOORS.residentBytes);
      put('memory over work', curve((i) => top - octaves(resident[i]!, FLOORS.residentBytes)));
    }
    const share = (name: FeatureBlock, channel: Counter): void => {
      const s = series[channel];
      if (s === undefined) return;
      const scale = 1 / (last(s) + FLOORS[channel]);
      put(name, curve((i) => s[i]! * scale));
    };
    share('reading over work', 'readBytes');
    share('writing over work', 'writtenBytes');
    share('page faults over work', 'minorFaults');
    share('CPU time over work', 'cpuNs');
  }

  if (profile !== undefined) {
    put('output size', [octaves(profile.bytes, FLOORS.outputBytes)]);
    put('output entropy', entropyCurve(profile));
    put('output byte values', histogram(profile));
  }
  return { version: 1, features, ...(profile !== undefined && profile.bytes >= CONTENT_MIN_BYTES ? { content: profile.content } : {}) };
}

type FeatureBlock = (typeof BLOCKS)[number]['name'];

/** Where each block's features begin. */
const OFFSETS = Object.fromEntries(
  BLOCKS.map((block, i) => [block.name, BLOCKS.slice(0, i).reduce((sum, { count }) => sum + count, 0)]),
) as Record<FeatureBlock, number>;

/**
 * The channels, with CPU time in user mode alone where it is known: under memory pressure the kernel's share is the host's doing. Page faults
 * and CPU time of a module whose instructions are counted are its runtime's, which compiles and collects garbage when it likes.
 */
function workSeries({ channels }: Trace): Partial<Record<ChannelName, Float64Array>> {
  const { cpuUserNs, cpuNs, minorFaults, ...rest } = channels;
  if (channels.instructions !== undefined) return rest;
  return { ...rest, ...(minorFaults === undefined ? {} : { minorFaults }), ...(cpuUserNs === undefined && cpuNs === undefined ? {} : { cpuNs: cpuUserNs ?? cpuNs! }) };
}

/** Share of the work done at each sample, 0 to 1: the mean progress of the counters that the engine sees. */
export function workAxis(trace: Trace): Float64Array {
  return axisOf(trace.t.length, workSeries(trace));
}

function axisOf(samples: number, series: Partial<Record<ChannelName, Float64Array>>): Float64Array {
  const axis = new Float64Array(samples);
  for (const channel of AXIS) {
    const s = series[channel];
    if (s === undefined || samples === 0) continue;
    const scale = 1 / (last(s) + FLOORS[channel]);
    for (let i = 0; i < samples; i++) axis[i]! += s[i]! * scale;
  }
  const end = samples === 0 ? 0 : last(axis);
  if (end > 0) for (let i = 0; i < samples; i++) axis[i]! /= end;
  return axis;
}

/**
 * Means of a series, linear between samples, over CURVE_POINTS equal parts of the work axis; its last value where no work was done. Then
 * its slack: between two samples a series that only rises may run anywhere in the box they span, half of it to either side of the line,
 * so the mean of all curves through the same samples is off by at most half the boxes' area.
 */
function curveOver(axis: Float64Array, value: (sample: number) => number, slack: boolean): Float64Array {
  const sums = new Float64Array(CURVE_POINTS + 1);
  const samples = axis.length;
  if (samples === 0) return sums;
  if (!(axis[samples - 1]! > 0)) return sums.fill(value(samples - 1), 0, CURVE_POINTS);
  for (let i = 1, from = value(0); i < samples; i++) {
    const to = value(i);
    if (slack) sums[CURVE_POINTS]! += ((axis[i]! - axis[i - 1]!) * Math.abs(to - from)) / 2;
    const start = axis[i - 1]! * CURVE_POINTS;
    const end = axis[i]! * CURVE_POINTS;
    for (let bin = Math.min(Math.floor(start), CURVE_POINTS - 1); bin < CURVE_POINTS && bin < end; bin++) {
      const left = Math.max(start, bin);
      const right = Math.min(end, bin + 1);
      if (right > left) sums[bin]! += (right - left) * (from + (to - from) * (((left + right) / 2 - start) / (end - start)));
    }
    from = to;
  }
  return sums;
}

/** Entropy along the output, bits per byte, in ENTROPY_POINTS parts. */
function entropyCurve({ entropy }: OutputProfile): Float64Array {
  const points = new Float64Array(ENTROPY_POINTS);
  const each = PROFILE_SEGMENTS / ENTROPY_POINTS;
  for (let i = 0; i < PROFILE_SEGMENTS; i++) points[Math.floor(i / each)]! += entropy[i]! / each;
  return points;
}

/** Share of bytes in each of the 16 value ranges, over the whole output. */
function histogram({ histogram: rows }: OutputProfile): Float64Array {
  const bins = new Float64Array(PROFILE_BINS);
  for (let i = 0; i < rows.length; i++) bins[i % PROFILE_BINS]! += rows[i]! / PROFILE_SEGMENTS;
  return bins;
}

function octaves(value: number, floor: number): number {
  return Math.log2(1 + value / floor);
}

function last(series: Float64Array): number {
  return series[series.length - 1]!;
}

function peak(series: Float64Array): number {
  let max = 0;
  for (const value of series) if (value > max) max = value;
  return max;
}
