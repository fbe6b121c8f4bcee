import { CHANNELS, type ChannelName, type Trace } from '../../../src/protocol/index.ts';
import { mend } from './mend.ts';
import { samplerMoments } from './resample.ts';

/** A trace of straight lines: counters to their totals, levels flat. */
export function straightTrace({ engine, intervalMs, durationMs, channels }: {
  engine: string; intervalMs: number; durationMs: number;
  /** Total of each counter, level of each level. */
  channels: Partial<Record<ChannelName, number>>;
}): Trace {
  const t = samplerMoments(Math.max(durationMs, intervalMs), intervalMs);
  const end = t.at(-1)!;
  const entries = Object.entries(channels) as [ChannelName, number][];
  return mend({
    version: 1, engine, intervalMs, t,
    channels: Object.fromEntries(entries.map(([name, amount]) => [name, t.map((ms) => (CHANNELS[name].kind === 'counter' ? (amount * ms) / end : amount))])),
  });
}
