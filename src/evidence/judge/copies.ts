import type { ChannelName, Trace } from '../../protocol/trace.ts';
import { COPY_RESIDUAL, COPY_STEP_CORRELATION, NOISY_CHANNELS } from '../constants.ts';
import { pathResidual } from './path-residual.ts';
import { smoothings } from './smoothings.ts';
import { stepCorrelation } from './step-correlation.ts';

/**
 * How much two traces agree beyond what honest runs of one program do, 1 being where one must be a copy of the other: the larger of the
 * limit of `pathResidual` over it and of `stepCorrelation` over its limit. The first sees through another sampling and another speed,
 * the second through noise; and both are looked at with either of the two smoothed as well, because whoever smooths a copy takes from it what
 * it could be known by.
 */
export function likeness(a: Trace, b: Trace): number {
  return likenessOf(formsOf(a), formsOf(b));
}

/** Pairs of traces, by their places, of which one is a copy of the other: their nodes share a run. */
export function copiesAmong(traces: readonly Trace[]): [number, number][] {
  const forms = traces.map(formsOf);
  return forms.flatMap((a, i) => forms.slice(i + 1).flatMap((b, k): [number, number][] => (likenessOf(a, b) > 1 ? [[i, i + 1 + k]] : [])));
}

/** Points at which a smoothed path is held against another: there are many smoothings, and smooth paths need fewer. */
const SMOOTH_POINTS = 60;

/** A trace as it is, and smoothed more and more; of a long one some of its samples. */
interface Forms { plain: Trace; smooth: ReturnType<typeof smoothings> }

function formsOf(trace: Trace): Forms {
  const plain = machinesShare(trace);
  return { plain, smooth: smoothings(plain) };
}

function likenessOf(a: Forms, b: Forms): number {
  const alike = (x: Trace, y: Trace, points?: number) => {
    const residual = pathResidual(x, y, points);
    const correlation = a.plain.t.length === b.plain.t.length ? stepCorrelation(x, y) : undefined;
    // Both are measures of the same run only beyond their limits; below they are merely made comparable.
    return Math.max(residual === undefined ? 0 : COPY_RESIDUAL / Math.max(residual, 1e-9), (correlation ?? 0) / COPY_STEP_CORRELATION);
  };
  return Math.max(
    alike(a.plain, b.plain),
    ...a.smooth.slice(1).map((form) => alike(form, b.smooth[0], SMOOTH_POINTS)), ...b.smooth.slice(1).map((form) => alike(a.smooth[0], form, SMOOTH_POINTS)),
  );
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
