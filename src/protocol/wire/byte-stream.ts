import type { Stream, StreamCloseEvent, StreamMessageEvent } from '@libp2p/interface';
import type { Uint8ArrayList } from 'uint8arraylist';

export interface ReceiveInit {
  /** Held for the reader before the peer is held back. */
  readAheadBytes: number;
  signal?: AbortSignal;
  /** The error for a stream that the peer broke off. */
  cut(cause?: Error): Error;
}

/**
 * What a peer sends on a libp2p stream, as it comes; the peer is held back while nobody takes it.
 *
 * @throws what `cut` makes when the peer resets; the signal's reason
 */
export async function* receiveChunks(stream: Stream, { readAheadBytes, signal, cut }: ReceiveInit): AsyncGenerator<Uint8Array> {
  const queue: Uint8Array[] = [];
  let queued = 0;
  let ended = stream.readableEnded || isOver(stream);
  let failure: Error | undefined;
  let wake = () => {};
  const onMessage = ({ data }: StreamMessageEvent) => {
    for (const chunk of data instanceof Uint8Array ? [data] : data) queue.push(chunk);
    queued += data.byteLength;
    if (queued > readAheadBytes && stream.readStatus === 'readable') stream.pause();
    wake();
  };
  const onEnd = () => { ended = true; wake(); };
  const onClose = ({ error }: StreamCloseEvent) => { failure = error; ended = true; wake(); };
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
        queued -= chunk.length;
        if (queued < readAheadBytes / 2 && stream.readStatus === 'paused') stream.resume();
        yield chunk;
        continue;
      }
      if (failure !== undefined) throw cut(failure);
      if (stream.readStatus === 'paused') stream.resume();
      // A peer may have said all it has to say and closed before anybody listened: libp2p keeps that, and tells it a moment later.
      else if (ended && stream.readBufferLength === 0) return;
      else if (ended) await new Promise((resolve) => { setImmediate(resolve); });
      else await new Promise<void>((resolve) => { wake = resolve; });
    }
  } finally {
    stream.removeEventListener('message', onMessage);
    stream.removeEventListener('end', onEnd);
    stream.removeEventListener('close', onClose);
    signal?.removeEventListener('abort', onAbort);
  }
}

export interface SendInit {
  /** Kept ahead of the muxer; it has to have taken all when this is 0. */
  writeAheadBytes?: number;
  signal?: AbortSignal;
  cut: ReceiveInit['cut'];
  /** How long the peer may take nothing, and the error for that. */
  stall?: { timeoutMs: number; error(): Error };
}

/** Sends bytes on a libp2p stream; resolves when there is room for more. @throws what `cut` and `stall` make; the signal's reason */
export async function sendChunk(stream: Stream, bytes: Uint8Array | Uint8ArrayList, { writeAheadBytes = 0, signal, cut, stall }: SendInit): Promise<void> {
  signal?.throwIfAborted();
  try {
    stream.send(bytes);
  } catch (cause) {
    throw cut(cause instanceof Error ? cause : new Error(String(cause)));
  }
  if (stream.writeBufferLength <= writeAheadBytes) return;
  await untilIdle(stream, { cut, ...(signal && { signal }), ...(stall && { stall }) });
}

/** Resolves when all that was sent is with the muxer. @throws what `cut` and `stall` make; the signal's reason */
export async function untilIdle(stream: Stream, { signal, cut, stall }: Omit<SendInit, 'writeAheadBytes'>): Promise<void> {
  signal?.throwIfAborted();
  if (stream.writeBufferLength === 0) return;
  // Not stream.onDrain(): it stays resolved after its first use, so it cannot hold back a second time. 'idle' comes when all is with the muxer.
  await new Promise<void>((resolve, reject) => {
    const timer = stall === undefined ? undefined : setTimeout(() => settle(() => reject(stall.error())), stall.timeoutMs);
    const onIdle = () => settle(resolve);
    const onClose = ({ error }: StreamCloseEvent) => settle(() => reject(cut(error)));
    const onAbort = () => settle(() => reject(signal?.reason));
    const settle = (done: () => void) => {
      clearTimeout(timer);
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

/** Nothing goes either way any more. */
export function isOver({ status }: Stream): boolean {
  return status === 'closed' || status === 'aborted' || status === 'reset';
}
