import type { ChannelName, Trace } from '../../protocol/trace.ts';
import { COPY_RESIDUAL, COPY_STEP_CORRELATION, NOISY_CHANNELS } from '../constants.ts';
import { pathResidual } from './path-residual.ts';
import { stepCorrelation } from './step-correlation.ts';

/**
 * How much two traces agree beyond what honest runs of one program do, 1 being where one must be a copy of the other: the larger of the
 * limit of `pathResidual` over it and of `stepCorrelation` over its limit. The first sees through another sampling and another speed,
 * the second through noise.
 */
export function likeness(a: Trace, b: Trace): number {
  const [x, y] = [machinesShare(a), machinesShare(b)];
  const residual = pathResidual(x, y);
  const correlation = stepCorrelation(x, y);
  // Both are measures of the same run only beyond their limits; below they are merely made comparable.
  return Math.max(residual === undefined ? 0 : COPY_RESIDUAL / Math.max(residual, 1e-9), (correlation ?? 0) / COPY_STEP_CORRELATION);
}

/** What the machine had no say in where a module's own counts are in the trace: the same in every honest run. */
const COUNTED: readonly ChannelName[] = ['readBytes', 'writtenBytes', 'readCalls', 'writeCalls'];

/** Samples closer than this share of the interval, as a run begins with, are left out: the limits are those of samples an interval apart. */
const CLOSE = 0.75;

/**
 * The part of a trace that no two runs share, by samples about an interval apart. Of a module whose instructions are counted that is time and what was seen of the process
 * around it, at the moments it was looked at: between them, only the module's own counts go on.
 */
function machinesShare(trace: Trace): Trace {
  const { t, channels, intervalMs } = trace;
  const counted = channels.instructions === undefined ? [] : COUNTED;
  const seen = NOISY_CHANNELS.flatMap((name) => (counted.includes(name) ? [] : channels[name] ?? []));
  let last = -Infinity;
  const looked = Array.from(t.keys()).filter((i) => {
    const taken = i === t.length - 1 || (t[i]! - last >= CLOSE * intervalMs && (counted.length === 0 || i === 0 || seen.some((series) => series[i] !== series[i - 1])));
    if (taken) last = t[i]!;
    return taken;
  });
  if (counted.length === 0 && looked.length === t.length) return trace;
  const at = (series: Float64Array) => Float64Array.from(looked, (i) => series[i]!);
  const kept = Object.entries(channels).filter(([name]) => !counted.includes(name as ChannelName));
  return { ...trace, t: at(t), channels: Object.fromEntries(kept.map(([name, series]) => [name, at(series)])) };
}

/** Pairs of traces, by their places, of which one is a copy of the other: their nodes share a run. */
export function copiesAmong(traces: readonly Trace[]): [number, number][] {
  return traces.flatMap((a, i) => traces.slice(i + 1).flatMap((b, k): [number, number][] => (likeness(a, b) > 1 ? [[i, i + 1 + k]] : [])));
}
