import type { Stream, StreamCloseEvent, StreamMessageEvent } from '@libp2p/interface';
import * as lp from 'it-length-prefixed';
import type { Uint8ArrayList } from 'uint8arraylist';
import { LINGER_TIMEOUT_MS, READ_AHEAD_BYTES } from './constants.ts';
import { NetworkError } from './errors.ts';

/**
 * The length-prefixed frames of a stream. A frame's length is checked before anything of it is kept, and the peer is paused
 * while the consumer is busy, so memory is bounded by one frame and one window.
 *
 * @throws NetworkError PROTOCOL_VIOLATION for a frame above `maxBytes` or cut short; STREAM_CLOSED when the peer resets; the signal's reason
 */
export async function* readFrames(stream: Stream, options: { maxBytes: number; signal?: AbortSignal }): AsyncGenerator<Uint8Array> {
  try {
    for await (const frame of lp.decode(readChunks(stream, options.signal), { maxDataLength: options.maxBytes })) yield frame.subarray();
  } catch (error) {
    options.signal?.throwIfAborted();
    if (error instanceof NetworkError) throw error;
    const details = error instanceof Error ? error.message : String(error);
    throw new NetworkError('PROTOCOL_VIOLATION', 'the peer sent a malformed frame', { details, cause: error });
  }
}

/** Sends one frame and waits until the muxer has taken it. @throws NetworkError STREAM_CLOSED; the signal's reason */
export async function writeFrame(stream: Stream, frame: Uint8Array, { signal }: { signal?: AbortSignal } = {}): Promise<void> {
  signal?.throwIfAborted();
  const encoded = lp.encode.single(frame, { maxDataLength: frame.length });
  try {
    stream.send(encoded);
  } catch (cause) {
    throw closed(cause);
  }
  if (stream.writeBufferLength === 0) return;
  // Not stream.onDrain(): it stays resolved after its first use, so it cannot hold back a second frame.
  await new Promise<void>((resolve, reject) => {
    const onIdle = () => settle(resolve);
    const onClose = (event: StreamCloseEvent) => settle(() => reject(closed(event.error)));
    const onAbort = () => settle(() => reject(signal?.reason));
    const settle = (done: () => void) => {
      stream.removeEventListener('idle', onIdle);
      stream.removeEventListener('close', onClose);
      signal?.removeEventListener('abort', onAbort);
      done();
    };
    stream.addEventListener('idle', onIdle);
    stream.addEventListener('close', onClose);
    signal?.addEventListener('abort', onAbort);
  });
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

function isOver(stream: Stream): boolean {
  return stream.status === 'closed' || stream.status === 'aborted' || stream.status === 'reset';
}

async function* readChunks(stream: Stream, signal?: AbortSignal): AsyncGenerator<Uint8Array | Uint8ArrayList> {
  const queue: (Uint8Array | Uint8ArrayList)[] = [];
  let queued = 0;
  let ended = stream.readableEnded || isOver(stream);
  let failure: Error | undefined;
  let wake = () => {};
  const onMessage = (event: StreamMessageEvent) => {
    queue.push(event.data);
    queued += event.data.byteLength;
    if (queued > READ_AHEAD_BYTES && stream.readStatus === 'readable') stream.pause();
    wake();
  };
  const onEnd = () => { ended = true; wake(); };
  const onClose = (event: StreamCloseEvent) => { failure = event.error; ended = true; wake(); };
  const onAbort = () => wake();
  stream.addEventListener('message', onMessage);
  stream.addEventListener('end', onEnd);
  stream.addEventListener('close', onClose);
  signal?.addEventListener('abort', onAbort);
  try {
    for (;;) {
      signal?.throwIfAborted();
      const chunk = queue.shift();
      if (chunk !== undefined) {
        queued -= chunk.byteLength;
        yield chunk;
        continue;
      }
      if (failure !== undefined) throw closed(failure);
      if (stream.readStatus === 'paused') {
        stream.resume();
        continue;
      }
      // A peer may have said all it has to say and closed before anybody listened: libp2p keeps that, and tells it a moment later.
      if (ended && stream.readBufferLength === 0) return;
      await (ended ? new Promise((resolve) => { setImmediate(resolve); }) : new Promise<void>((resolve) => { wake = resolve; }));
    }
  } finally {
    stream.removeEventListener('message', onMessage);
    stream.removeEventListener('end', onEnd);
    stream.removeEventListener('close', onClose);
    signal?.removeEventListener('abort', onAbort);
  }
}

function closed(cause: unknown): NetworkError {
  return new NetworkError('STREAM_CLOSED', 'the peer closed the stream', cause instanceof Error ? { details: cause.message, cause } : {});
}
