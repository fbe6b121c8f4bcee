import { createDecipheriv } from 'node:crypto';
import { connect } from 'node:net';
import { StorageError } from '../errors.ts';
import { READ_AHEAD_BYTES } from '../stream/constants.ts';
import { DIRECT_CONNECT_TIMEOUT_MS, DIRECT_MAGIC, DIRECT_READ_BYTES } from './constants.ts';
import { nameOf, type DirectOffer } from './direct-door.ts';

/**
 * The bytes behind an offer, as they come; the peer is held back while nobody takes them. Leaving the loop ends the connection.
 *
 * @param host the address at which the peer is connected already
 * @throws StorageError DIRECT_FAILED when there is no connection; STREAM_CUT; the signal's reason
 */
export async function* takeDirect(
  host: string, { port, ticket, key }: DirectOffer, { signal, connectTimeoutMs = DIRECT_CONNECT_TIMEOUT_MS }: { signal: AbortSignal; connectTimeoutMs?: number },
): AsyncGenerator<Uint8Array> {
  signal.throwIfAborted();
  const decipher = createDecipheriv('aes-256-ctr', key, Buffer.alloc(16));
  const queue: Uint8Array[] = [];
  let queued = 0;
  let ended = false;
  let failure: Error | undefined;
  let connected = false;
  let paused = false;
  let wake = () => {};
  const socket = connect({
    host, port, noDelay: true,
    // One buffer for all reads: what comes out of the cipher is new anyway.
    onread: {
      buffer: Buffer.allocUnsafeSlow(DIRECT_READ_BYTES),
      callback(length, buffer) {
        const bytes = decipher.update(Buffer.from(buffer.buffer, buffer.byteOffset, length));
        queue.push(bytes);
        queued += length;
        wake();
        paused = queued >= READ_AHEAD_BYTES;
        return !paused;
      },
    },
  });
  const timer = setTimeout(() => socket.destroy(new Error(`no connection within ${connectTimeoutMs} ms`)), connectTimeoutMs);
  socket.once('connect', () => {
    connected = true;
    clearTimeout(timer);
    socket.write(Buffer.concat([Buffer.from(DIRECT_MAGIC), Buffer.from(nameOf(ticket), 'hex')]));
  });
  socket.once('end', () => { ended = true; wake(); });
  socket.on('error', (error) => { failure = error; });
  socket.once('close', () => { ended = true; wake(); });
  const onAbort = () => { ended = true; wake(); };
  signal.addEventListener('abort', onAbort, { once: true });
  try {
    for (;;) {
      signal.throwIfAborted();
      const chunk = queue.shift();
      if (chunk !== undefined) {
        queued -= chunk.length;
        if (paused && queued < READ_AHEAD_BYTES / 2) {
          paused = false;
          socket.resume();
        }
        yield chunk;
      } else if (!ended) {
        await new Promise<void>((resolve) => { wake = resolve; });
      } else if (!connected) {
        throw new StorageError('DIRECT_FAILED', 'the peer cannot be reached directly', { details: `${host}:${port}: ${failure?.message ?? 'closed'}`, cause: failure });
      } else if (failure !== undefined) {
        throw new StorageError('STREAM_CUT', 'the peer broke the stream off', { details: failure.message, cause: failure });
      } else {
        return;
      }
    }
  } finally {
    clearTimeout(timer);
    signal.removeEventListener('abort', onAbort);
    socket.destroy();
  }
}
