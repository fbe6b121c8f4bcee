import type { Stream } from '@libp2p/interface';
import * as lp from 'it-length-prefixed';
import { isOver, receiveChunks, sendChunk } from '../../protocol/wire/byte-stream.ts';
import { LINGER_TIMEOUT_MS, READ_AHEAD_BYTES } from '../constants.ts';
import { NetworkError } from '../errors.ts';

/**
 * The length-prefixed frames of a stream. A frame's length is checked before anything of it is kept, and the peer is paused
 * while the consumer is busy, so memory is bounded by one frame and one window.
 *
 * @throws NetworkError PROTOCOL_VIOLATION for a frame above `maxBytes` or cut short; STREAM_CLOSED when the peer resets; the signal's reason
 */
export async function* readFrames(stream: Stream, options: { maxBytes: number; signal?: AbortSignal }): AsyncGenerator<Uint8Array> {
  try {
    for await (const frame of lp.decode(receiveChunks(stream, { readAheadBytes: READ_AHEAD_BYTES, cut: closed, ...(options.signal && { signal: options.signal }) }), { maxDataLength: options.maxBytes })) yield frame.subarray();
  } catch (error) {
    options.signal?.throwIfAborted();
    if (error instanceof NetworkError) throw error;
    const details = error instanceof Error ? error.message : String(error);
    throw new NetworkError('PROTOCOL_VIOLATION', 'the peer sent a malformed frame', { details, cause: error });
  }
}

/** Sends one frame and waits until the muxer has taken it. @throws NetworkError STREAM_CLOSED; the signal's reason */
export function writeFrame(stream: Stream, frame: Uint8Array, { signal }: { signal?: AbortSignal } = {}): Promise<void> {
  return sendChunk(stream, lp.encode.single(frame, { maxDataLength: frame.length }), { cut: closed, ...(signal && { signal }) });
}

/** Lets the other side close its half; resets the stream when it does not. Never throws, may be left unawaited. */
export async function finish(stream: Stream, lingerMs = LINGER_TIMEOUT_MS): Promise<void> {
  if (isOver(stream)) return;
  const closing = new Promise<void>((resolve) => {
    const timer = setTimeout(resolve, lingerMs);
    timer.unref();
    stream.addEventListener('close', () => { clearTimeout(timer); resolve(); }, { once: true });
  });
  stream.close({ signal: AbortSignal.timeout(lingerMs) }).catch(() => {});
  await closing;
  if (!isOver(stream)) stream.abort(new Error('the peer did not close the stream'));
}

function closed(cause: unknown): NetworkError {
  return new NetworkError('STREAM_CLOSED', 'the peer closed the stream', cause instanceof Error ? { details: cause.message, cause } : {});
}
