import { formatDurationMs } from '../../protocol/index.ts';

/** A duration without the tenths of its seconds, which would flicker: `12 s`. */
export function wholeSeconds(ms: number): string {
  return formatDurationMs(ms).replace(/\.\d+ s$/, ' s');
}
