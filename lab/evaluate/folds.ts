import { FALSE_ALARM_RATES } from './constants.ts';
import { thresholdAt } from './statistics/threshold-at.ts';

/** Thresholds for one program, from all others. */
export type Thresholds = Record<keyof typeof FALSE_ALARM_RATES, number>;

/**
 * Leave one program out: the thresholds at which the honest pairs of all *other* programs would raise 1 % and 0.1 % false alarms. A program
 * at another size is the same program.
 *
 * @param families program of each honest pair
 * @param honest distance of each honest pair
 */
export function thresholdsFor(family: string, families: readonly string[], honest: Float64Array): Thresholds {
  const others = honest.filter((_, i) => families[i] !== family).sort();
  return { at1pct: thresholdAt(others, FALSE_ALARM_RATES.at1pct), at01pct: thresholdAt(others, FALSE_ALARM_RATES.at01pct) };
}
