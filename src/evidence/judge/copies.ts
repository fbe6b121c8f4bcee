import type { Trace } from '../../protocol/trace.ts';
import { COPY_RESIDUAL, COPY_STEP_CORRELATION } from '../constants.ts';
import { pathResidual } from './path-residual.ts';
import { stepCorrelation } from './step-correlation.ts';

/**
 * How much two traces agree beyond what honest runs of one program do, 1 being where one must be a copy of the other: the larger of the
 * limit of `pathResidual` over it and of `stepCorrelation` over its limit. The first sees through another sampling and another speed,
 * the second through noise.
 */
export function likeness(a: Trace, b: Trace): number {
  const residual = pathResidual(a, b);
  const correlation = stepCorrelation(a, b);
  // Both are measures of the same run only beyond their limits; below they are merely made comparable.
  return Math.max(residual === undefined ? 0 : COPY_RESIDUAL / Math.max(residual, 1e-9), (correlation ?? 0) / COPY_STEP_CORRELATION);
}

/** Pairs of traces, by their places, of which one is a copy of the other: their nodes share a run. */
export function copiesAmong(traces: readonly Trace[]): [number, number][] {
  return traces.flatMap((a, i) => traces.slice(i + 1).flatMap((b, k): [number, number][] => (likeness(a, b) > 1 ? [[i, i + 1 + k]] : [])));
}
