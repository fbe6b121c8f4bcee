import type { Stream } from '@libp2p/interface';
import { anySignal } from '../../protocol/base/any-signal.ts';
import { encodeMessage } from '../../protocol/wire/messages.ts';
import { abortable } from '../../protocol/base/abortable.ts';
import { accept, type Asker, type Listener, type ServeInit, type Unserve } from './accept.ts';
import type { Target } from '../host/addresses.ts';
import { decodeResponse, openCall, toError, withDeadline, type Dialer, type Protocol } from './call.ts';
import { REQUEST_TIMEOUT_MS, STREAM_HEARTBEAT_MS, STREAM_IDLE_TIMEOUT_MS, WRITE_TIMEOUT_MS } from '../constants.ts';
import { decodeEnvelope, encodeEnvelope, maxEnvelopeBytes } from './envelope.ts';
import { NetworkError } from '../errors.ts';
import { finish, readFrames, writeFrame } from './frames.ts';

/** Answers one request with many messages; is returned early when the peer goes away. */
export type StreamHandler<Request, Response> = (request: Request, asker: Asker) => AsyncIterable<Response>;

/**
 * Serves a protocol with a stream of answers to one request. A slow reader slows the handler's iterator down; one that takes
 * nothing for `writeTimeoutMs` is cut off. While the handler is silent, signs of life are sent.
 */
export async function serveStream<Request, Response, const R extends Response>(
  host: Listener, protocol: Protocol<Request, Response>, handler: StreamHandler<Request, R>, init: ServeInit = {},
): Promise<Unserve> {
  const { writeTimeoutMs = WRITE_TIMEOUT_MS, heartbeatMs = STREAM_HEARTBEAT_MS } = init;
  return accept(host, protocol, async (request, asker, stream) => {
    const send = (envelope: Parameters<typeof encodeEnvelope>[0]) => withDeadline(
      (signal) => writeFrame(stream, encodeEnvelope(envelope), { signal }), 'writing to the stream', writeTimeoutMs, asker.signal,
    );
    const iterator = handler(request, asker)[Symbol.asyncIterator]();
    try {
      for (;;) {
        const next = iterator.next();
        while (await isSlow(next, heartbeatMs, asker.signal)) await send({ kind: 'alive' });
        const { done, value } = await next;
        if (done === true) break;
        await send({ kind: 'message', payload: encodeMessage(protocol.response, value) });
      }
      await send({ kind: 'end' });
    } finally {
      // Not awaited: a handler that ignores its signal must not keep the slot.
      iterator.return?.()?.catch(() => {});
    }
  }, init);
}

/**
 * Asks a peer for a stream of messages. Leaving the loop closes the stream; not consuming it pauses the peer.
 *
 * @throws NetworkError as `request`; TIMEOUT also when nothing, not even a sign of life, came for `idleTimeoutMs`;
 * STREAM_CLOSED when the stream broke off before its end
 */
export async function* openStream<Request, Response>(
  host: Dialer, target: Target, protocol: Protocol<Request, Response>, message: Request,
  init: { signal?: AbortSignal; timeoutMs?: number; idleTimeoutMs?: number } = {},
): AsyncGenerator<Response> {
  const { signal, timeoutMs = REQUEST_TIMEOUT_MS, idleTimeoutMs = STREAM_IDLE_TIMEOUT_MS } = init;
  const stream = await withDeadline((inner) => openCall(host, target, protocol, message, inner), `opening ${protocol.id}`, timeoutMs, signal);
  let failure: unknown = new Error('the reader left');
  const left = new AbortController();
  const frames = readFrames(stream, {
    maxBytes: maxEnvelopeBytes(protocol.response.maxBytes), signal: anySignal(signal, left.signal),
  });
  try {
    for (;;) {
      const { done, value: frame } = await withDeadline((inner) => abortable(frames.next(), inner), 'waiting for the stream', idleTimeoutMs, signal);
      if (done === true) throw new NetworkError('STREAM_CLOSED', 'the stream broke off before its end');
      const envelope = decodeEnvelope(frame);
      if (envelope.kind === 'end') break;
      if (envelope.kind === 'refused') throw new NetworkError('REFUSED', 'the peer refused', { details: envelope.reason });
      if (envelope.kind === 'message') yield decodeResponse(protocol.response, envelope.payload);
    }
    failure = undefined;
  } catch (error) {
    failure = error;
    throw error;
  } finally {
    left.abort(failure);
    frames.return(undefined).catch(() => {});
    close(stream, failure);
  }
}

function close(stream: Stream, failure: unknown): void {
  if (failure === undefined) void finish(stream);
  else stream.abort(toError(failure));
}

/** True when the promise is still pending after `ms`. @throws what the promise throws; the signal's reason */
async function isSlow(promise: Promise<unknown>, ms: number, signal: AbortSignal): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const slow = new Promise<boolean>((resolve) => { timer = setTimeout(() => resolve(true), ms); });
  try {
    return await abortable(Promise.race([promise.then(() => false), slow]), signal);
  } finally {
    clearTimeout(timer);
  }
}
