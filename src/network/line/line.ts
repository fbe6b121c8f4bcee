import type { Connection, Stream } from '@libp2p/interface';
import { abortable } from '../../protocol/base/abortable.ts';
import { isError } from '../../protocol/base/errors.ts';
import { LINE_IDLE_MS, LINE_OPEN_TIMEOUT_MS, LINE_PROTOCOL, LINE_RETRY_MS, LINE_SILENCE_MS, MAX_LINE_FRAME_BYTES, MAX_LINE_REPLY_BYTES } from '../constants.ts';
import { NetworkError } from '../errors.ts';
import { finish, readFrames, writeFrame } from '../streams/frames.ts';
import { decodeReply, encodeQuestion, type Reply } from './frames.ts';

/** Asks questions on one stream that stays open, any number at a time. */
export interface Line {
  /** @throws NetworkError STREAM_CLOSED, PROTOCOL_VIOLATION; the signal's reason */
  ask(protocol: string, payload: Uint8Array, signal: AbortSignal): Promise<Reply>;
}

/**
 * The line on a connection: a stream that is opened at the first request and serves all that are short. To open a stream for each, to agree on its
 * protocol and to close it costs ten times what the question does. Undefined where the peer has no lines.
 *
 * @throws the signal's reason
 */
export async function lineOn(connection: Connection, signal: AbortSignal): Promise<Line | undefined> {
  let line = lines.get(connection);
  if (line === undefined) {
    line = openLine(connection);
    lines.set(connection, line);
  }
  return abortable(line, signal);
}

const lines = new WeakMap<Connection, Promise<Line | undefined>>();

async function openLine(connection: Connection): Promise<Line | undefined> {
  try {
    const stream = await connection.newStream(LINE_PROTOCOL, { signal: AbortSignal.timeout(LINE_OPEN_TIMEOUT_MS) });
    return createLine(stream, () => lines.delete(connection));
  } catch {
    // Asked again later: a peer may serve nothing yet.
    setTimeout(() => lines.delete(connection), LINE_RETRY_MS).unref();
    return undefined;
  }
}

function createLine(stream: Stream, onOver: () => void): Line {
  const waiting = new Map<number, { resolve: (reply: Reply) => void; reject: (error: unknown) => void }>();
  let next = 0;
  /** When the peer last said anything, `performance.now()`. */
  let heardAt = performance.now();
  let idle: NodeJS.Timeout | undefined;
  let over = false;

  const end = (error: unknown) => {
    if (over) return;
    over = true;
    clearTimeout(idle);
    onOver();
    for (const { reject } of waiting.values()) reject(error);
    waiting.clear();
  };
  const rest = () => {
    clearTimeout(idle);
    if (waiting.size > 0 || over) return;
    idle = setTimeout(() => {
      end(new NetworkError('STREAM_CLOSED', 'nothing was asked for long'));
      void finish(stream);
    }, LINE_IDLE_MS);
    idle.unref();
  };
  const read = async () => {
    for await (const frame of readFrames(stream, { maxBytes: MAX_LINE_REPLY_BYTES })) {
      const reply = decodeReply(frame);
      heardAt = performance.now();
      const asked = waiting.get(reply.id);
      // Who gave up may have been answered all the same.
      waiting.delete(reply.id);
      asked?.resolve(reply);
      rest();
    }
    throw new NetworkError('STREAM_CLOSED', 'the peer closed the stream without an answer');
  };
  read().catch((error: unknown) => {
    end(error);
    if (isError(error, 'PROTOCOL_VIOLATION')) stream.abort(error);
    else void finish(stream);
  });
  rest();

  return {
    async ask(protocol, payload, signal) {
      signal.throwIfAborted();
      if (over) throw new NetworkError('STREAM_CLOSED', 'the peer closed the stream');
      const id = next = (next + 1) >>> 0;
      const { promise, resolve, reject } = Promise.withResolvers<Reply>();
      promise.catch(() => {});
      waiting.set(id, { resolve, reject });
      clearTimeout(idle);
      const askedAt = performance.now();
      const onAbort = () => {
        if (!waiting.delete(id)) return;
        reject(signal.reason);
        if (heardAt < askedAt && performance.now() - askedAt > LINE_SILENCE_MS) {
          // Nobody is there, or the stream is stuck: the next question must not find the same.
          const silent = new NetworkError('STREAM_CLOSED', 'the peer is silent', { details: `for ${LINE_SILENCE_MS} ms` });
          end(silent);
          stream.abort(silent);
          return;
        }
        writeFrame(stream, encodeQuestion({ kind: 'cancel', id })).catch(() => {});
        rest();
      };
      signal.addEventListener('abort', onAbort, { once: true });
      try {
        await writeFrame(stream, encodeQuestion({ kind: 'ask', id, protocol, payload }), { signal });
        return await promise;
      } catch (error) {
        if (waiting.delete(id)) rest();
        throw error;
      } finally {
        signal.removeEventListener('abort', onAbort);
      }
    },
  };
}

/** Whether a request fits in a line's frame. */
export function fitsLine(payload: Uint8Array): boolean {
  return payload.length <= MAX_LINE_FRAME_BYTES - 128;
}
