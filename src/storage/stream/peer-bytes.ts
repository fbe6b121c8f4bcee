import type { Stream } from '@libp2p/interface';
import type { Uint8ArrayList } from 'uint8arraylist';
import { receiveChunks, sendChunk } from '../../protocol/wire/byte-stream.ts';
import { StorageError } from '../errors.ts';
import { READ_AHEAD_BYTES, READ_LIMIT_BYTES, WRITE_AHEAD_BYTES, WRITE_TIMEOUT_MS } from './constants.ts';
import { passedThrough } from './passed-through.ts';

/** The bytes a peer sends, as they come; the peer is held back while nobody takes them. @throws StorageError STREAM_CUT when the peer resets */
export async function* receiveBytes(stream: Stream, { readAheadBytes = READ_AHEAD_BYTES } = {}): AsyncGenerator<Uint8Array> {
  // What was on its way when the peer was held back must find room, or the stream is reset.
  (stream as { maxReadBufferLength?: number }).maxReadBufferLength = READ_LIMIT_BYTES;
  for await (const chunk of receiveChunks(stream, { readAheadBytes, cut: (cause) => cut('the peer broke the stream off', cause) })) {
    passedThrough(chunk.length);
    yield chunk;
  }
}

/** Sends bytes; resolves when there is room for more. @throws StorageError STREAM_CUT, STALLED; the signal's reason */
export function sendBytes(
  stream: Stream, bytes: Uint8Array | Uint8ArrayList,
  { signal, timeoutMs = WRITE_TIMEOUT_MS, writeAheadBytes = WRITE_AHEAD_BYTES }: { signal: AbortSignal; timeoutMs?: number; writeAheadBytes?: number },
): Promise<void> {
  passedThrough(bytes.byteLength);
  return sendChunk(stream, bytes, {
    writeAheadBytes, signal, cut: (cause) => cut('the peer went away', cause),
    stall: { timeoutMs, error: () => new StorageError('STALLED', 'the peer takes nothing', { details: `for ${timeoutMs} ms` }) },
  });
}

function cut(message: string, cause: Error | undefined): StorageError {
  return new StorageError('STREAM_CUT', message, { details: cause?.message ?? 'it closed the stream', cause });
}
