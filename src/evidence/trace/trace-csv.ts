import type { ChannelName, Trace } from '../../protocol/trace/trace.ts';

/** A trace as CSV (RFC 4180, LF): a header with the channels' names, which carry their units, then one line a sample. */
export function traceToCsv({ t, channels }: Trace): string {
  const names = Object.keys(channels) as ChannelName[];
  const header = ['tMs', ...names];
  const lines = [header.join(',')];
  for (let i = 0; i < t.length; i++) lines.push([t[i], ...names.map((name) => channels[name]![i])].join(','));
  return `${lines.join('\n')}\n`;
}
