import type { Stream, StreamCloseEvent, StreamMessageEvent } from '@libp2p/interface';
import { abortable } from '../../protocol/abortable.ts';
import { messageOf } from '../../protocol/errors.ts';
import { StorageError } from '../errors.ts';
import { READ_AHEAD_BYTES, READ_LIMIT_BYTES, WRITE_AHEAD_BYTES, WRITE_TIMEOUT_MS } from './constants.ts';

/** The bytes a peer sends, as they come; the peer is held back while nobody takes them. @throws StorageError STREAM_CUT when the peer resets */
export async function* receiveBytes(stream: Stream): AsyncGenerator<Uint8Array> {
  const queue: Uint8Array[] = [];
  let queued = 0;
  let ended = stream.readableEnded;
  let failure: Error | undefined;
  let wake = () => {};
  // What was on its way when the peer was held back must find room, or the stream is reset.
  (stream as { maxReadBufferLength?: number }).maxReadBufferLength = READ_LIMIT_BYTES;
  const onMessage = ({ data }: StreamMessageEvent) => {
    for (const chunk of data instanceof Uint8Array ? [data] : data) queue.push(chunk);
    queued += data.byteLength;
    if (queued > READ_AHEAD_BYTES && stream.readStatus === 'readable') stream.pause();
    wake();
  };
  const onEnd = () => { ended = true; wake(); };
  const onClose = ({ error }: StreamCloseEvent) => { failure = error; ended = true; wake(); };
  stream.addEventListener('message', onMessage);
  stream.addEventListener('end', onEnd);
  stream.addEventListener('close', onClose);
  try {
    for (;;) {
      const chunk = queue.shift();
      if (chunk !== undefined) {
        queued -= chunk.length;
        if (queued < READ_AHEAD_BYTES / 2 && stream.readStatus === 'paused') stream.resume();
        yield chunk;
        continue;
      }
      if (failure !== undefined) throw new StorageError('STREAM_CUT', 'the peer broke the stream off', { details: failure.message, cause: failure });
      if (stream.readStatus === 'paused') stream.resume();
      // What came before anybody listened is told a moment later, even of a stream that has ended.
      else if (ended && stream.readBufferLength === 0) return;
      else if (ended) await new Promise((resolve) => { setImmediate(resolve); });
      else await new Promise<void>((resolve) => { wake = resolve; });
    }
  } finally {
    stream.removeEventListener('message', onMessage);
    stream.removeEventListener('end', onEnd);
    stream.removeEventListener('close', onClose);
  }
}

/** Sends bytes; resolves when there is room for more. @throws StorageError STREAM_CUT, STALLED; the signal's reason */
export async function sendBytes(stream: Stream, bytes: Uint8Array, { signal, timeoutMs = WRITE_TIMEOUT_MS }: { signal: AbortSignal; timeoutMs?: number }): Promise<void> {
  signal.throwIfAborted();
  try {
    stream.send(bytes);
  } catch (cause) {
    throw new StorageError('STREAM_CUT', 'the peer went away', { details: messageOf(cause), cause });
  }
  if (stream.writeBufferLength <= WRITE_AHEAD_BYTES) return;
  let timer: NodeJS.Timeout | undefined;
  let settle = () => {};
  const room = new Promise<void>((resolve, reject) => {
    timer = setTimeout(() => reject(new StorageError('STALLED', 'the peer takes nothing', { details: `for ${timeoutMs} ms` })), timeoutMs);
    const onClose = ({ error }: StreamCloseEvent) => reject(new StorageError('STREAM_CUT', 'the peer went away', { details: error?.message ?? 'it closed the stream' }));
    // 'idle' comes when all is with the muxer, however much that is.
    const onIdle = () => resolve();
    stream.addEventListener('idle', onIdle);
    stream.addEventListener('close', onClose);
    settle = () => {
      stream.removeEventListener('idle', onIdle);
      stream.removeEventListener('close', onClose);
    };
  });
  try {
    await abortable(room, signal);
  } finally {
    clearTimeout(timer);
    settle();
  }
}
