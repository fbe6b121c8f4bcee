import type { ChannelName, Trace } from '../../../src/protocol/index.ts';
import type { Random } from '../../corpus/inputs/random.ts';
import { mapChannels } from './map-channels.ts';
import { mend } from './mend.ts';

/** Relative noise, as standard deviations. */
export interface Noise {
  /** Of each step in time. */
  time: number;
  /** Of each step of a counter. */
  steps: number;
  /** Of a whole channel, its total or its level, in units of what honest runs of it differ by (TOTALS). */
  totals: number;
}

/** What a copyist adds who has looked at how far honest runs are apart. */
export const HONEST_LOOKING: Noise = { time: 0.25, steps: 0.25, totals: 1 };

/** How far honest totals are apart, relative standard deviations; whoever copies knows that bytes are exact. */
const TOTALS: Partial<Record<ChannelName, number>> = {
  cpuNs: 0.05, cpuUserNs: 0.05, cpuSystemNs: 0.05, residentBytes: 0.003, cacheBytes: 0.02, minorFaults: 0.004, readCalls: 0.002, writeCalls: 0.002, contextSwitches: 0.1,
};

/** A trace with noise on its time steps, its counters' steps and its totals; steps that stand still stay so. */
export function jitter(trace: Trace, random: Random, { time, steps, totals }: Noise = HONEST_LOOKING): Trace {
  const factor = (deviation: number) => Math.exp(deviation * random.normal());
  const t = trace.t.slice();
  for (let i = 1; i < t.length; i++) t[i] = t[i - 1]! + (trace.t[i]! - trace.t[i - 1]!) * factor(time);
  return mend(mapChannels({ ...trace, t }, (series, name, kind) => {
    const scale = factor(totals * (TOTALS[name] ?? 0));
    if (kind === 'level') return series.map((value) => value * scale);
    const noisy = series.slice();
    for (let i = 1; i < series.length; i++) noisy[i] = noisy[i - 1]! + (series[i]! - series[i - 1]!) * factor(steps);
    // Noise on steps would shift the total of a counter with few of them: only `totals` may.
    const off = noisy.at(-1)! > 0 ? (series.at(-1)! * scale) / noisy.at(-1)! : 0;
    return noisy.map((value) => value * off);
  }));
}
