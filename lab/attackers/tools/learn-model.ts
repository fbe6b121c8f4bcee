import { CHANNELS, type ChannelName, type Trace } from '../../../src/protocol/index.ts';
import { workAxis } from '../../../src/evidence/fingerprint/fingerprint.ts';
import type { LabRun } from '../../corpus/lab-run.ts';
import type { Random } from '../../corpus/inputs/random.ts';
import { mend } from './mend.ts';
import { resample, samplerMoments } from './resample.ts';

/** Points of the learned curves on the work axis: many more than the fingerprint looks at. */
const POINTS = 192;

/** A run as numbers that may be averaged: logarithms of totals, and curves over work. */
interface Example { inputBytes: number; durationMs: number; totals: Map<ChannelName, number>; curves: Map<ChannelName, Float64Array>; time: Float64Array }

/**
 * A generative model of a program: the mean of the public runs' totals and curves over work, plus Gaussian noise with their covariance
 * (a sum of their deviations from the mean with normal weights has it exactly, whatever the number of points), scaled by `spread`. Totals
 * follow the input's size by a power law fitted to the examples where they have several sizes, in proportion where they have one.
 */
export function drawFromModel(runs: readonly LabRun[], { inputBytes, engine, intervalMs, spread }: { inputBytes: number; engine: string; intervalMs: number; spread: number }, random: Random): Trace {
  const names = (Object.keys(runs[0]!.trace.channels) as ChannelName[]).filter((name) => runs.every(({ trace }) => trace.channels[name] !== undefined));
  const examples = runs.map((run) => exampleOf(run, names));
  const weights = examples.map(() => (spread * random.normal()) / Math.sqrt(Math.max(1, examples.length - 1)));
  const blend = (pick: (example: Example) => number): number => {
    const mean = examples.reduce((sum, example) => sum + pick(example), 0) / examples.length;
    return examples.reduce((sum, example, i) => sum + weights[i]! * (pick(example) - mean), mean);
  };
  const sized = (pick: (example: Example) => number): number => {
    const power = powerOf(examples, pick);
    return 2 ** blend((example) => pick(example) + power * Math.log2(inputBytes / example.inputBytes)) - 1;
  };
  const durationMs = Math.max(intervalMs, sized(({ durationMs: ms }) => Math.log2(1 + ms)));
  const points = Float64Array.from({ length: POINTS + 1 }, (_, i) => i);
  const t = points.map((i) => durationMs * blend(({ time }) => time[i]!));
  const channels = Object.fromEntries(names.map((name) => {
    const total = sized(({ totals }) => totals.get(name)!);
    return [name, points.map((i) => total * blend(({ curves }) => curves.get(name)![i]!))];
  }));
  const dense = mend({ version: 1, engine, intervalMs, t, channels });
  return mend(resample(dense, samplerMoments(dense.t.at(-1)!, intervalMs)));
}

function exampleOf({ trace, input }: LabRun, names: readonly ChannelName[]): Example {
  const axis = workAxis(trace);
  const overWork = (series: Float64Array, top: number): Float64Array => {
    const curve = new Float64Array(POINTS + 1);
    for (let i = 0, k = 0; i <= POINTS; i++) {
      const work = i / POINTS;
      while (k < axis.length - 2 && axis[k + 1]! < work) k++;
      const width = (axis[k + 1] ?? 1) - axis[k]!;
      const share = i === POINTS || axis.length < 2 ? 1 : width > 0 ? Math.min(1, Math.max(0, (work - axis[k]!) / width)) : 0;
      const next = i === POINTS ? series.at(-1)! : (series[k + 1] ?? series[k]!);
      curve[i] = top > 0 ? (series[k]! + share * (next - series[k]!)) / top : 0;
    }
    return curve;
  };
  const totals = new Map<ChannelName, number>();
  const curves = new Map<ChannelName, Float64Array>();
  for (const name of names) {
    const series = trace.channels[name]!;
    const top = CHANNELS[name].kind === 'counter' ? series.at(-1)! : series.reduce((max, value) => Math.max(max, value), 0);
    totals.set(name, Math.log2(1 + top));
    curves.set(name, overWork(series, top));
  }
  const durationMs = trace.t.at(-1)!;
  return { inputBytes: input.bytes, durationMs, totals, curves, time: overWork(trace.t, durationMs) };
}

/** Slope of a total against input size, both as logarithms, by least squares; 1 where all inputs are about equally large. */
function powerOf(examples: readonly Example[], pick: (example: Example) => number): number {
  const mean = (of: (example: Example) => number) => examples.reduce((sum, example) => sum + of(example), 0) / examples.length;
  const size = ({ inputBytes }: Example) => Math.log2(inputBytes);
  const centre = mean(size);
  const spread = mean((example) => (size(example) - centre) ** 2);
  if (spread < 0.05) return 1;
  const level = mean(pick);
  return mean((example) => (size(example) - centre) * (pick(example) - level)) / spread;
}
