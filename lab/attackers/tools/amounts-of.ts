import { CHANNELS, type ChannelName, type Trace } from '../../../src/protocol/index.ts';

/** Each counter's total and each level's mean over time. */
export function amountsOf({ t, channels }: Trace): Partial<Record<ChannelName, number>> {
  const entries = Object.entries(channels) as [ChannelName, Float64Array][];
  return Object.fromEntries(entries.map(([name, series]) => [name, CHANNELS[name].kind === 'counter' ? series.at(-1)! : meanOver(t, series)]));
}

function meanOver(t: Float64Array, series: Float64Array): number {
  const end = t.at(-1)!;
  if (end === 0) return series[0]!;
  let area = 0;
  for (let i = 1; i < t.length; i++) area += ((series[i]! + series[i - 1]!) / 2) * (t[i]! - t[i - 1]!);
  return area / end;
}
