import { isDeepStrictEqual } from 'node:util';
import type { ChannelName, Trace } from '../../protocol/trace/trace.ts';
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
  const forms = traces.map((trace) => formsOf(trace));
  return forms.flatMap((a, i) => forms.slice(i + 1).flatMap((b, k): [number, number][] => (likenessOf(a, b) > 1 ? [[i, i + 1 + k]] : [])));
}

/** Points at which a smoothed path is held against another: there are many smoothings, and smooth paths need fewer. */
const SMOOTH_POINTS = 60;

/** A trace, what is looked at of it, and that smoothed more and more; of a long one some of its samples. */
interface Forms { trace: Trace; looked: readonly number[]; plain: Trace; smooth: ReturnType<typeof smoothings> }

function formsOf(trace: Trace, looked: readonly number[] = lookedAt(trace)): Forms {
  const plain = machinesShare(trace, looked);
  return { trace, looked, plain, smooth: smoothings(plain) };
}

/**
 * Where both have as many samples, those of one are looked at in the other as well: noise on the times of a copy moves what lies an interval
 * apart, and then sample would be held against another's neighbour.
 */
function likenessOf(a: Forms, b: Forms): number {
  if (a.trace.t.length !== b.trace.t.length || isDeepStrictEqual(a.looked, b.looked)) return likenessOfForms(a, b);
  return Math.max(likenessOfForms(a, b), likenessOfForms(a, formsOf(b.trace, a.looked)), likenessOfForms(formsOf(a.trace, b.looked), b));
}

function likenessOfForms(a: Forms, b: Forms): number {
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

/** Samples about an interval apart, by their places. Of a module whose instructions are counted, those at which something else was seen of the process around it. */
function lookedAt({ t, channels, intervalMs }: Trace): number[] {
  const seen = channels.instructions === undefined ? undefined : NOISY_CHANNELS.flatMap((name) => (COUNTED.includes(name) ? [] : channels[name] ?? []));
  let last = -Infinity;
  return Array.from(t.keys()).filter((i) => {
    const taken = i === t.length - 1 || (t[i]! - last >= CLOSE * intervalMs && (seen === undefined || i === 0 || seen.some((series) => series[i] !== series[i - 1])));
    if (taken) last = t[i]!;
    return taken;
  });
}

/**
 * The part of a trace that no two runs share, at these samples. Of a module whose instructions are counted that is time and what was seen of the
 * process around it, at the moments it was looked at: between them, only the module's own counts go on.
 */
function machinesShare(trace: Trace, looked: readonly number[]): Trace {
  const { t, channels } = trace;
  const counted = channels.instructions === undefined ? [] : COUNTED;
  if (counted.length === 0 && looked.length === t.length) return trace;
  const at = (series: Float64Array) => Float64Array.from(looked, (i) => series[i]!);
  const kept = Object.entries(channels).filter(([name]) => !counted.includes(name as ChannelName));
  return { ...trace, t: at(t), channels: Object.fromEntries(kept.map(([name, series]) => [name, at(series)])) };
}
