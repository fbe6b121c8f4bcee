import type { Libp2p, PeerId, Stream } from '@libp2p/interface';
import { anySignal } from '../../protocol/base/any-signal.ts';
import { isError } from '../../protocol/base/errors.ts';
import { decodeMessage } from '../../protocol/wire/messages.ts';
import { toError, withDeadline, type Protocol } from './call.ts';
import { MAX_STREAMS_PER_CONNECTION, REQUEST_READ_TIMEOUT_MS, WRITE_TIMEOUT_MS } from '../constants.ts';
import { encodeEnvelope } from './envelope.ts';
import { NetworkError } from '../errors.ts';
import { finish, readFrames, writeFrame } from './frames.ts';
import { createSlots, type Slots } from './slots.ts';

/** What a server needs of a host. */
export type Listener = Pick<Libp2p, 'handle' | 'unhandle'>;

/** Who asks, and until when an answer is wanted. */
export interface Asker {
  peer: PeerId;
  /** Aborted when the peer goes away, the time is up, or the protocol is no longer served. */
  signal: AbortSignal;
}

/** Limits of a served protocol; every field has a default in constants.ts. */
export interface ServeInit {
  requestsPerPeer?: number;
  requests?: number;
  readTimeoutMs?: number;
  handlerTimeoutMs?: number;
  writeTimeoutMs?: number;
  heartbeatMs?: number;
  /** Told of every request that failed on our side of the wire; the peer learns only typed errors' short messages. */
  onError?: (error: Error, peer: PeerId) => void;
}

/** Stops serving. */
export type Unserve = () => Promise<void>;

/** Answers one request on a stream whose request was read and found valid. */
export type Answer<Request> = (request: Request, asker: Asker, stream: Stream) => Promise<void>;

/** Serves a protocol: reads and validates the request under a deadline and within limits, then lets `answer` write. */
export async function accept<Request>(
  host: Listener, protocol: Protocol<Request, unknown>, answer: Answer<Request>, init: ServeInit = {},
  slots: Slots = createSlots({ perPeer: init.requestsPerPeer, total: init.requests }),
): Promise<Unserve> {
  const { readTimeoutMs = REQUEST_READ_TIMEOUT_MS, writeTimeoutMs = WRITE_TIMEOUT_MS } = init;
  const stopped = new AbortController();

  async function handle(stream: Stream, peer: PeerId): Promise<void> {
    const gone = new AbortController();
    let answered = false;
    stream.addEventListener('close', () => { if (!answered) gone.abort(new NetworkError('STREAM_CLOSED', 'the peer went away')); }, { once: true });
    const signal = anySignal(gone.signal, stopped.signal);
    const key = peer.toString();
    const mine = slots.take(key);
    try {
      if (!mine) throw new NetworkError('REFUSED', 'too many requests at once');
      const request = await withDeadline((s) => readRequest(stream, protocol, s), 'reading the request', readTimeoutMs, signal);
      await answer(request, { peer, signal }, stream);
      answered = true;
      await finish(stream);
    } catch (error) {
      if (!gone.signal.aborted) init.onError?.(toError(error), peer);
      await refuse(stream, error, writeTimeoutMs);
    } finally {
      if (mine) slots.release(key);
    }
  }

  await host.handle(protocol.id, (stream, connection) => {
    handle(stream, connection.remotePeer).catch((error) => stream.abort(toError(error)));
  }, { maxInboundStreams: MAX_STREAMS_PER_CONNECTION });
  return async () => {
    stopped.abort(new NetworkError('REFUSED', 'this node is stopping'));
    await host.unhandle(protocol.id);
  };
}

async function readRequest<Request>(stream: Stream, protocol: Protocol<Request, unknown>, signal: AbortSignal): Promise<Request> {
  for await (const frame of readFrames(stream, { maxBytes: protocol.request.maxBytes, signal })) return decodeMessage(protocol.request, frame);
  throw new NetworkError('PROTOCOL_VIOLATION', 'the peer closed the stream without a request');
}

/** Says why, to a peer that may deserve to know; cuts off one that broke the protocol or let us wait. */
async function refuse(stream: Stream, error: unknown, timeoutMs: number): Promise<void> {
  if (isError(error, 'PROTOCOL_VIOLATION', 'STREAM_CLOSED', 'TIMEOUT', 'MESSAGE_INVALID', 'MESSAGE_TOO_LARGE')) {
    stream.abort(toError(error));
    return;
  }
  try {
    await writeFrame(stream, refusalOf(error), { signal: AbortSignal.timeout(timeoutMs) });
    await finish(stream);
  } catch (failure) {
    stream.abort(toError(failure));
  }
}

/** What a peer is told of an error: the short message of a typed one, nothing of any other. */
export function refusalOf(error: unknown): Uint8Array {
  return encodeEnvelope({ kind: 'refused', reason: isError(error) ? error.shortMessage : 'internal error' });
}
