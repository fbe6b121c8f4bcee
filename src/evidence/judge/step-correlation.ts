import type { Trace } from '../../protocol/trace/trace.ts';
import { NOISY_CHANNELS } from '../constants.ts';

/** Fewer steps are alike by chance. */
const MIN_STEPS = 5;
/** Added to a step's share of the mean one, so that a standstill has a logarithm. */
const STANDSTILL = 0.02;

/**
 * How alike two runs' steps from sample to sample are: Pearson's correlation of their logarithms, sample by sample, mean over time and
 * NOISY_CHANNELS. Two honest runs hardly ever have equally many samples, and where they have, were sampled at other moments of their work; a
 * copy with noise on every step keeps both.
 *
 * @returns -1 to 1; undefined for runs of different numbers of samples, or of too few
 */
export function stepCorrelation(a: Trace, b: Trace): number | undefined {
  if (a.t.length !== b.t.length || a.t.length <= MIN_STEPS) return undefined;
  const correlations = [correlation(a.t, b.t), ...NOISY_CHANNELS.map((name) => {
    const [x, y] = [a.channels[name], b.channels[name]];
    return x === undefined || y === undefined ? undefined : correlation(x, y);
  })].filter((value) => value !== undefined);
  return correlations.length === 0 ? undefined : correlations.reduce((sum, value) => sum + value, 0) / correlations.length;
}

function correlation(a: Float64Array, b: Float64Array): number | undefined {
  const [x, y] = [steps(a), steps(b)];
  let [xy, xx, yy] = [0, 0, 0];
  for (let i = 0; i < x.length; i++) {
    xy += x[i]! * y[i]!;
    xx += x[i]! * x[i]!;
    yy += y[i]! * y[i]!;
  }
  // Steps that are all the same say nothing.
  return xx < 1e-9 || yy < 1e-9 ? undefined : xy / Math.sqrt(xx * yy);
}

/** Logarithms of the steps over the mean step, less their mean. */
function steps(series: Float64Array): Float64Array {
  const each = (series.at(-1)! - series[0]!) / (series.length - 1);
  const logs = new Float64Array(series.length - 1);
  if (!(each > 0)) return logs;
  let sum = 0;
  for (let i = 0; i < logs.length; i++) sum += logs[i] = Math.log(Math.max(series[i + 1]! - series[i]!, 0) / each + STANDSTILL);
  return logs.map((value) => value - sum / logs.length);
}
