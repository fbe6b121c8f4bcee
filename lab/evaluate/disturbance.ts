import type { Job } from './corpus.ts';
import { quantile } from './statistics/quantile.ts';

/** Under what noise the corpus was recorded, and whether a measured speed explains it. */
export interface Disturbance {
  /** Time of the fixed loop over the fastest run's: median, 90th percentile and largest. */
  median: number; p90: number; max: number;
  /** Standard deviation of honest CPU times within a job, octaves, median over jobs; as it is, and divided by the loop's. */
  cpuSpread: number; cpuSpreadScaled: number;
}

/** @returns null where the loop was not measured */
export function disturbanceOf(jobs: readonly Job[]): Disturbance | null {
  const runs = jobs.flatMap(({ honest }) => honest).filter(({ loopNs }) => loopNs > 0);
  if (runs.length === 0) return null;
  const fastest = runs.reduce((least, { loopNs }) => Math.min(least, loopNs), Infinity);
  const loops = Float64Array.from(runs, ({ loopNs }) => loopNs / fastest).sort();
  const spreads = (byLoop: boolean) => Float64Array.from(jobs.map(({ honest }) => deviation(honest.filter(({ loopNs }) => loopNs > 0).map(({ trace: { channels }, loopNs }) => (
    Math.log2((channels.cpuUserNs?.at(-1) || 1) / (byLoop ? loopNs : 1)))))).filter((value) => !Number.isNaN(value))).sort();
  const [own, scaled] = [spreads(false), spreads(true)];
  if (own.length === 0) return null;
  return { median: quantile(loops, 0.5), p90: quantile(loops, 0.9), max: loops.at(-1)!, cpuSpread: quantile(own, 0.5), cpuSpreadScaled: quantile(scaled, 0.5) };
}

/** Standard deviation; NaN of fewer than three values. */
function deviation(values: readonly number[]): number {
  if (values.length < 3) return Number.NaN;
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  return Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (values.length - 1));
}
