import type { Environment } from './trace.ts';

/**
 * Which counts a module's trace has: those of two meters are not comparable. It is part of a metered module's name, of a module's spec, of the
 * evidence's environment and of a class of jobs. 2: everything a run is told by is the module's own; before, its I/O and memory were those of
 * the process around it.
 */
export const METER_VERSION = 2;

/** The meter that a replica's counts come from; undefined where nothing is metered. Version 1 did not say so. */
export function meterOf({ engine, runtime }: Pick<Environment, 'engine' | 'runtime'>): number | undefined {
  return engine === 'wasm' ? Number(/ meter (\d{1,6})$/.exec(runtime)?.[1] ?? 1) : undefined;
}
