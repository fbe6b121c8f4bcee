import type { Libp2p, PeerId } from '@libp2p/interface';
import { anySignal } from '../../protocol/base/any-signal.ts';
import { messageOf } from '../../protocol/base/errors.ts';
import { writeVarint } from '../car/varint.ts';
import { StorageError } from '../errors.ts';
import { ByteQueue } from '../stream/byte-queue.ts';
import { readSections, type ClaimedBlock } from '../stream/read-sections.ts';
import { ASK_TIMEOUT_MS, CAR_PROTOCOL } from './constants.ts';
import { decodeOffer, encodeRequest, OFFER_BYTES, STATUS, type CarRequest } from './messages.ts';
import { receiveBytes, sendBytes } from '../stream/peer-bytes.ts';
import { takeDirect } from './take-direct.ts';

/** How to ask one peer. */
export interface AskPeerInit {
  signal: AbortSignal;
  stallMs?: number;
  openTimeoutMs?: number;
  /** The address at which it may be reached directly, should it offer that. */
  host?: string;
}

/**
 * What one peer answers to one request, as it comes. Leaving the loop ends the stream.
 *
 * @returns whether the first root was there, or may have been: only `ask` tells
 * @throws StorageError DIRECT_FAILED when a direct connection was offered and is not to be had; NOT_FOUND when it has it not, PEER_UNREACHABLE (not there, not ours, busy, refused), STALLED, STREAM_CUT, CAR_INVALID; the signal's reason
 */
export async function* askPeerForCar(
  libp2p: Pick<Libp2p, 'dialProtocol'>, peer: PeerId, request: CarRequest, { signal, stallMs, openTimeoutMs = ASK_TIMEOUT_MS, host }: AskPeerInit,
): AsyncGenerator<ClaimedBlock> {
  const opening = AbortSignal.timeout(openTimeoutMs);
  const stream = await libp2p.dialProtocol(peer, CAR_PROTOCOL, { signal: anySignal(signal, opening) }).catch((cause: unknown) => {
    signal.throwIfAborted();
    throw new StorageError('PEER_UNREACHABLE', 'the peer cannot be asked', { details: `${peer}: ${messageOf(cause)}`, cause });
  });
  const timing = { signal, ...(stallMs !== undefined && { stallMs }) };
  const queue = new ByteQueue(receiveBytes(stream), timing);
  let direct: ByteQueue | undefined;
  let failure: unknown = new StorageError('STREAM_CUT', 'the reader left');
  try {
    const message = encodeRequest({ ...request, direct: host !== undefined && request.scope === 'dag' });
    await sendBytes(stream, Buffer.concat([writeVarint(message.length), message]), { signal });
    const status = (await queue.take(1))?.[0];
    if (status === STATUS.ABSENT) throw new StorageError('NOT_FOUND', 'the peer does not have it', { details: peer.toString() });
    if (status === STATUS.DIRECT && host !== undefined) {
      const offer = await queue.take(OFFER_BYTES);
      if (offer === undefined) throw new StorageError('STREAM_CUT', 'the stream was cut off', { details: `by ${peer}` });
      direct = new ByteQueue(takeDirect(host, decodeOffer(offer), { signal }), { ...timing, owned: true });
    } else if (status !== STATUS.HERE) {
      const why = status === STATUS.BUSY ? 'is busy' : status === STATUS.REFUSED ? 'refused' : 'gave no answer';
      throw new StorageError('PEER_UNREACHABLE', `the peer ${why}`, { details: peer.toString() });
    }
    if (request.scope !== 'ask') {
      const whole = yield* readSections(direct ?? queue);
      if (!whole) throw new StorageError('STREAM_CUT', 'the stream was cut off', { details: `by ${peer}` });
    }
    failure = undefined;
  } catch (error) {
    failure = error;
    throw error;
  } finally {
    queue.stop();
    direct?.stop();
    if (failure === undefined) stream.close({ signal: AbortSignal.timeout(openTimeoutMs) }).catch((error: unknown) => stream.abort(error as Error));
    else stream.abort(failure instanceof Error ? failure : new Error(messageOf(failure)));
  }
}
