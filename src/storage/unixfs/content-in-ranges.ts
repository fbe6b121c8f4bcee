import type { UnixFSEntry } from 'ipfs-unixfs-exporter';
import { READ_CONCURRENCY, READ_RANGE_BYTES } from '../constants.ts';

/**
 * The bytes of a file, or a range of them. The library reads what it is asked for to its end, however slowly it is taken, and holds what waits
 * in memory: so it is asked for a part at a time.
 */
export async function* contentInRanges(
  entry: Exclude<UnixFSEntry, { type: 'directory' | 'object' }>, { signal, offset = 0, length = Infinity }: { signal?: AbortSignal; offset?: number; length?: number } = {},
): AsyncGenerator<Uint8Array> {
  const part = (range: { offset?: number; length?: number }) => entry.content({ ...(signal && { signal }), blockReadConcurrency: READ_CONCURRENCY, ...range });
  const end = Math.min(Number(entry.size), offset + length);
  let at = offset;
  for (; end - at > READ_RANGE_BYTES; at += READ_RANGE_BYTES) yield* part({ offset: at, length: READ_RANGE_BYTES });
  yield* part({ ...(at > 0 && { offset: at }), ...(length < Infinity && { length: length - (at - offset) }) });
}
