import type { Trace } from '../../src/protocol/index.ts';
import { FLOORS } from '../../src/evidence/constants.ts';
import type { Curves } from './dtw.ts';

/** Points of a curve: a warping of ten thousand samples would cost a second a pair. */
export const DTW_POINTS = 64;
/** Most places two aligned points may be apart: a tenth of the run, as is usual. */
export const DTW_BAND = 7;

/**
 * Memory (octaves above the noise floor) and the rate of another counter, at DTW_POINTS equal steps of an axis from 0 to its end.
 *
 * @param axis ascending, one value a sample
 * @param rate a counter; its increase in each step, per mean step, so that 1 is the average
 */
export function curvesOver(trace: Trace, axis: Float64Array, rate: Float64Array | undefined): Curves {
  const resident = trace.channels.residentBytes;
  const channels: Float64Array[] = [];
  if (resident !== undefined) channels.push(sample(axis, resident.map((bytes) => Math.log2(1 + bytes / FLOORS.residentBytes))).subarray(1));
  if (rate !== undefined) {
    const counter = sample(axis, rate);
    const mean = counter.at(-1)! / DTW_POINTS;
    channels.push(counter.subarray(1).map((value, i) => (mean > 0 ? (value - counter[i]!) / mean : 0)));
  }
  return { length: DTW_POINTS, channels };
}

/** A series at DTW_POINTS + 1 equally spaced places of the axis, linear between samples. */
function sample(axis: Float64Array, series: Float64Array): Float64Array {
  const end = axis.at(-1)!;
  const values = new Float64Array(DTW_POINTS + 1);
  for (let i = 0, k = 0; i <= DTW_POINTS; i++) {
    const at = (end * i) / DTW_POINTS;
    while (k < axis.length - 2 && axis[k + 1]! < at) k++;
    const width = axis.length < 2 ? 0 : axis[k + 1]! - axis[k]!;
    values[i] = width > 0 ? series[k]! + Math.min(1, (at - axis[k]!) / width) * (series[k + 1]! - series[k]!) : series[Math.min(k + 1, series.length - 1)]!;
  }
  return values;
}
