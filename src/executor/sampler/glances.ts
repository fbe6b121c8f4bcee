import { GLANCE_INTERVAL_MS } from '../constants.ts';
import type { Sample } from '../engine.ts';
import type { Series } from './series.ts';

/** Shows somebody a series as it grows, its newest sample now and then. @returns to be called after each sample */
export function glances(series: Pick<Series, 'last'>, show: ((sample: Sample) => void) | undefined): (t: number) => void {
  let due = GLANCE_INTERVAL_MS;
  return (t) => {
    if (show === undefined || t < due) return;
    due = t + GLANCE_INTERVAL_MS;
    show(series.last());
  };
}
