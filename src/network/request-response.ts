import type { Stream } from '@libp2p/interface';
import { isError } from '../protocol/errors.ts';
import { encodeMessage, type MessageType } from '../protocol/messages.ts';
import { accept, type Asker, type Listener, type ServeInit, type Unserve } from './accept.ts';
import type { Target } from './addresses.ts';
import { decodeResponse, openCall, toError, withDeadline, type Dialer, type Protocol } from './call.ts';
import { HANDLER_TIMEOUT_MS, REQUEST_TIMEOUT_MS, WRITE_TIMEOUT_MS } from './constants.ts';
import { decodeEnvelope, encodeEnvelope, maxEnvelopeBytes } from './envelope.ts';
import { NetworkError } from './errors.ts';
import { finish, readFrames, writeFrame } from './frames.ts';
import { abortable } from '../protocol/abortable.ts';

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
  return accept(host, protocol, async (request, { peer, signal }, stream) => {
    const response = await withDeadline(
      (inner) => abortable(Promise.resolve(handler(request, { peer, signal: inner })), inner), 'the handler', handlerTimeoutMs, signal,
    ).catch((error) => { throw isError(error, 'TIMEOUT') ? new NetworkError('REFUSED', 'the answer took too long', { cause: error }) : error; });
    const frame = encodeEnvelope({ kind: 'message', payload: encodeMessage(protocol.response, response) });
    await withDeadline((inner) => writeFrame(stream, frame, { signal: inner }), 'writing the answer', writeTimeoutMs, signal);
  }, init);
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

async function readResponse<Response>(stream: Stream, type: MessageType<Response>, signal: AbortSignal): Promise<Response> {
  for await (const frame of readFrames(stream, { maxBytes: maxEnvelopeBytes(type.maxBytes), signal })) {
    const envelope = decodeEnvelope(frame);
    if (envelope.kind === 'message') return decodeResponse(type, envelope.payload);
    if (envelope.kind === 'refused') throw new NetworkError('REFUSED', 'the peer refused', { details: envelope.reason });
    if (envelope.kind === 'end') break;
  }
  throw new NetworkError('STREAM_CLOSED', 'the peer closed the stream without an answer');
}
