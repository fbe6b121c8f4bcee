import { CHANNELS, type ChannelKind, type ChannelName, type Trace } from '../../../src/protocol/index.ts';

/** A trace with each series replaced; `mend` it afterwards if the new ones may break a counter's rules. */
export function mapChannels(trace: Trace, change: (series: Float64Array, name: ChannelName, kind: ChannelKind) => Float64Array): Trace {
  const entries = Object.entries(trace.channels) as [ChannelName, Float64Array][];
  return { ...trace, channels: Object.fromEntries(entries.map(([name, series]) => [name, change(series, name, CHANNELS[name].kind)])) };
}
