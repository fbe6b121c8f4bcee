import type { Connection, Libp2p, Stream } from '@libp2p/interface';
import { afterSilence } from '../../protocol/base/after-silence.ts';
import { anySignal } from '../../protocol/base/any-signal.ts';
import { isError, messageOf } from '../../protocol/base/errors.ts';
import { decodeMessage, encodeMessage, type MessageType } from '../../protocol/wire/messages.ts';
import { describeTarget, dialTargetOf, peerOf, type Target } from '../host/addresses.ts';
import { NetworkError } from '../errors.ts';
import { writeFrame } from './frames.ts';

/** What a caller needs of a host. */
export type Dialer = Pick<Libp2p, 'dialProtocol' | 'getConnections'>;

/** One of our protocols: its libp2p id, what is asked and what is answered. */
export interface Protocol<Request, Response> {
  id: string;
  request: MessageType<Request>;
  response: MessageType<Response>;
}

/** What libp2p throws when the connection stands, but the peer drops the stream while the protocol is agreed. */
const STREAM_ERRORS = new Set(['StreamStateError', 'StreamResetError', 'StreamClosedError', 'UnexpectedEOFError']);

/** Dials, sends the request and closes the writing half. @throws NetworkError */
export async function openCall<Request>(
  host: Dialer, target: Target, protocol: Protocol<Request, unknown>, message: Request, signal: AbortSignal,
): Promise<Stream> {
  const encoded = encodeMessage(protocol.request, message);
  const destination = dialTargetOf(target);
  signal.throwIfAborted();
  let stream: Stream;
  try {
    // A dial looks the peer up, notes its addresses and queues, only to find the connection that is there.
    const open = connectionTo(host, destination);
    stream = open === undefined ? await host.dialProtocol(destination, protocol.id, { signal }) : await open.newStream(protocol.id, { signal });
  } catch (cause) {
    signal.throwIfAborted();
    if (cause instanceof Error && cause.name === 'UnsupportedProtocolError') {
      throw new NetworkError('PROTOCOL_UNSUPPORTED', 'the peer does not speak this protocol', { details: protocol.id, cause });
    }
    if (cause instanceof Error && STREAM_ERRORS.has(cause.name)) {
      throw new NetworkError('STREAM_CLOSED', 'the peer closed the stream', { details: cause.message, cause });
    }
    throw new NetworkError('PEER_UNREACHABLE', 'the peer cannot be reached', {
      details: `${describeTarget(target)}: ${messageOf(cause)}`, cause,
    });
  }
  try {
    await writeFrame(stream, encoded, { signal });
    await stream.close({ signal });
    return stream;
  } catch (error) {
    stream.abort(toError(error));
    throw error;
  }
}

/** The connection to a peer that is there already. */
export function connectionTo(host: Dialer, destination: ReturnType<typeof dialTargetOf>): Connection | undefined {
  const peer = Array.isArray(destination) ? peerOf(destination[0]!) : destination;
  return peer && host.getConnections(peer).find(({ status, limits }) => status === 'open' && limits === undefined);
}

/** Runs a call under the caller's signal and a deadline of ours, and names the deadline when it strikes. @throws NetworkError TIMEOUT */
export async function withDeadline<T>(
  work: (signal: AbortSignal) => Promise<T>, what: string, timeoutMs: number, signal?: AbortSignal,
): Promise<T> {
  const deadline = new AbortController();
  const inTime = afterSilence(timeoutMs, () => deadline.abort(), { ref: false });
  try {
    return await work(anySignal(signal, deadline.signal));
  } catch (cause) {
    signal?.throwIfAborted();
    if (deadline.signal.aborted && !isError(cause, 'PROTOCOL_VIOLATION', 'REFUSED')) {
      throw new NetworkError('TIMEOUT', `${what} took too long`, { details: `more than ${timeoutMs} ms`, cause });
    }
    throw cause;
  } finally {
    inTime();
  }
}

/** Anything thrown, as an Error. */
export function toError(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error));
}

/** Decodes what a server said; to the caller a malformed message is the peer's violation. @throws NetworkError PROTOCOL_VIOLATION */
export function decodeResponse<Response>(type: MessageType<Response>, payload: Uint8Array): Response {
  try {
    return decodeMessage(type, payload);
  } catch (cause) {
    throw new NetworkError('PROTOCOL_VIOLATION', 'the peer sent a malformed answer', { details: toError(cause).message, cause });
  }
}
