import type { Stream } from '@libp2p/interface';
import { anySignal } from '../../protocol/base/any-signal.ts';
import { isError } from '../../protocol/base/errors.ts';
import { decodeMessage, encodeMessage, type MessageType } from '../../protocol/wire/messages.ts';
import { accept, refusalOf, type Asker, type Listener, type ServeInit, type Unserve } from './accept.ts';
import { dialTargetOf, type Target } from '../host/addresses.ts';
import { connectionTo, decodeResponse, openCall, toError, withDeadline, type Dialer, type Protocol } from './call.ts';
import { HANDLER_TIMEOUT_MS, REQUEST_TIMEOUT_MS, WRITE_TIMEOUT_MS } from '../constants.ts';
import { decodeEnvelope, encodeEnvelope, maxEnvelopeBytes } from './envelope.ts';
import { NetworkError } from '../errors.ts';
import { finish, readFrames, writeFrame } from './frames.ts';
import { fitsLine, lineOn } from '../line/line.ts';
import { serveOnLines } from '../line/serve-line.ts';
import { createSlots } from './slots.ts';
import { abortable } from '../../protocol/base/abortable.ts';

/** Answers one request. A BaseError it throws reaches the peer as a refusal with the short message; anything else as "internal error". */
export type Handler<Request, Response> = (request: Request, asker: Asker) => Promise<Response> | Response;

/**
 * Serves a protocol with one answer to one request.
 *
 * @returns a function that stops serving
 * @example
 * const unserve = await serve(host, bidProtocol, async ({ bid }, { peer }) => ({ ok: await consider(bid, peer) }))
 */
export async function serve<Request, Response, const R extends Response>(
  host: Listener, protocol: Protocol<Request, Response>, handler: Handler<Request, R>, init: ServeInit = {},
): Promise<Unserve> {
  const { handlerTimeoutMs = HANDLER_TIMEOUT_MS, writeTimeoutMs = WRITE_TIMEOUT_MS } = init;
  const slots = createSlots({ perPeer: init.requestsPerPeer, total: init.requests });
  const stopped = new AbortController();
  const work = async (request: Request, { peer, signal }: Asker): Promise<Uint8Array> => {
    const response = await withDeadline(
      (inner) => abortable(Promise.resolve(handler(request, { peer, signal: inner })), inner), 'the handler', handlerTimeoutMs, signal,
    ).catch((error) => { throw isError(error, 'TIMEOUT') ? new NetworkError('REFUSED', 'the answer took too long', { cause: error }) : error; });
    return encodeEnvelope({ kind: 'message', payload: encodeMessage(protocol.response, response) });
  };
  const unserve = await accept(host, protocol, async (request, asker, stream) => {
    const frame = await work(request, asker);
    await withDeadline((inner) => writeFrame(stream, frame, { signal: inner }), 'writing the answer', writeTimeoutMs, asker.signal);
  }, init, slots);
  const unserveLines = await serveOnLines(host, protocol.id, async (payload, { peer, signal }) => {
    const key = peer.toString();
    const mine = slots.take(key);
    try {
      if (!mine) throw new NetworkError('REFUSED', 'too many requests at once');
      return await work(decodeMessage(protocol.request, payload), { peer, signal: anySignal(signal, stopped.signal) });
    } catch (error) {
      if (!signal.aborted) init.onError?.(toError(error), peer);
      return refusalOf(error);
    } finally {
      if (mine) slots.release(key);
    }
  });
  return async () => {
    stopped.abort(new NetworkError('REFUSED', 'this node is stopping'));
    await Promise.all([unserve(), unserveLines()]);
  };
}

/**
 * Asks a peer and waits for its one answer.
 *
 * @throws NetworkError PEER_UNREACHABLE, PROTOCOL_UNSUPPORTED, TIMEOUT, REFUSED, STREAM_CLOSED, PROTOCOL_VIOLATION, ADDRESS_INVALID;
 * ProtocolError MESSAGE_TOO_LARGE; the signal's reason
 */
export async function request<Request, Response>(
  host: Dialer, target: Target, protocol: Protocol<Request, Response>, message: Request,
  { signal, timeoutMs = REQUEST_TIMEOUT_MS }: { signal?: AbortSignal; timeoutMs?: number } = {},
): Promise<Response> {
  return withDeadline(async (inner) => {
    const short = await askOnLine(host, target, protocol, message, inner);
    if (short !== undefined) return answerIn(short, protocol.response);
    const stream = await openCall(host, target, protocol, message, inner);
    try {
      const response = await readResponse(stream, protocol.response, inner);
      void finish(stream);
      return response;
    } catch (error) {
      stream.abort(toError(error));
      throw error;
    }
  }, `asking for ${protocol.id}`, timeoutMs, signal);
}

/** Asks on the line to a peer that is connected; undefined where there is none, or question or answer are too long for it. */
async function askOnLine<Request>(host: Dialer, target: Target, protocol: Protocol<Request, unknown>, message: Request, signal: AbortSignal): Promise<Uint8Array | undefined> {
  const connection = connectionTo(host, dialTargetOf(target));
  const payload = encodeMessage(protocol.request, message);
  const line = connection && fitsLine(payload) ? await lineOn(connection, signal) : undefined;
  const reply = await line?.ask(protocol.id, payload, signal);
  if (reply?.kind === 'unserved') throw new NetworkError('PROTOCOL_UNSUPPORTED', 'the peer does not speak this protocol', { details: protocol.id });
  return reply?.kind === 'answer' ? reply.envelope : undefined;
}

async function readResponse<Response>(stream: Stream, type: MessageType<Response>, signal: AbortSignal): Promise<Response> {
  for await (const frame of readFrames(stream, { maxBytes: maxEnvelopeBytes(type.maxBytes), signal })) {
    if (decodeEnvelope(frame).kind !== 'alive') return answerIn(frame, type);
  }
  throw new NetworkError('STREAM_CLOSED', 'the peer closed the stream without an answer');
}

function answerIn<Response>(frame: Uint8Array, type: MessageType<Response>): Response {
  const envelope = decodeEnvelope(frame);
  if (envelope.kind === 'message') return decodeResponse(type, envelope.payload);
  if (envelope.kind === 'refused') throw new NetworkError('REFUSED', 'the peer refused', { details: envelope.reason });
  throw new NetworkError('STREAM_CLOSED', 'the peer closed the stream without an answer');
}
