import type { Connection, Libp2p, PeerId, Stream } from '@libp2p/interface';
import type { CID } from 'multiformats/cid';
import { isError, messageOf } from '../../protocol/base/errors.ts';
import { StorageError } from '../errors.ts';
import { ByteQueue } from '../stream/byte-queue.ts';
import { receiveBytes } from '../stream/peer-bytes.ts';
import { AskedWants, type AskInit } from './asked-wants.ts';
import { BITSWAP_PROTOCOL, LIAR_TIMEOUT_MS, MAX_ASKED_REMEMBERED, MAX_BLOCKS_COMING, MAX_INBOUND_STREAMS, MAX_LIARS_REMEMBERED, MAX_PEERS_SERVED, MESSAGE_TIMEOUT_MS, READ_AHEAD_BYTES, RESTART_GRACE_MS } from './constants.ts';
import { Outbox } from './outbox.ts';
import { RecentKeys } from './recent-keys.ts';
import { readMessages, type MessageSink } from './read-messages.ts';
import { ServedWants, type ServeInit } from './serve-wants.ts';
import { Slots } from './slots.ts';

export interface BitswapInit extends AskInit {
  liarTimeoutMs?: number;
  messageTimeoutMs?: number;
  /** How long nobody is blamed for blocks that this process did not ask for. */
  restartGraceMs?: number;
}

export interface BitswapComponents extends Pick<ServeInit, 'read' | 'sizeOf'> {
  libp2p: Pick<Libp2p, 'handle' | 'unhandle' | 'getConnections' | 'addEventListener' | 'removeEventListener'>;
}

interface Peer {
  asked: AskedWants;
  served: ServedWants;
  /** Turns of its blocks that come in. */
  coming: Slots;
  streams: Set<Stream>;
  gone: AbortController;
  outboxes: readonly Outbox[];
}

/**
 * Bitswap 1.2.0 with all who speak it, https://specs.ipfs.tech/bitswap-protocol/: serves blocks of this machine, and asks single peers for theirs. It looks
 * for nobody and keeps no block. Memory does not depend on what peers send: messages are read part by part, a block into memory of its own and only
 * from a peer that was asked for one, and answered a message at a time. A peer that sends what no honest one sends is not listened to for a while.
 */
export class Bitswap {
  readonly #components: BitswapComponents;
  readonly #init: BitswapInit;
  readonly #peers = new Map<string, Peer>();
  /** Until when, and why. */
  readonly #liars = new Map<string, { until: number; reason: unknown }>();
  readonly #slots = new Slots(MAX_PEERS_SERVED);
  readonly #known = new RecentKeys(MAX_ASKED_REMEMBERED);
  readonly #stopped = new AbortController();
  readonly #started = performance.now();

  constructor(components: BitswapComponents, init: BitswapInit = {}) {
    this.#components = components;
    this.#init = init;
  }

  /** Not for limited connections, which are others' bandwidth. */
  async start(): Promise<void> {
    const { libp2p } = this.#components;
    libp2p.addEventListener('peer:disconnect', this.#onGone);
    await libp2p.handle(BITSWAP_PROTOCOL, (stream, connection) => { void this.#listen(stream, connection); }, { maxInboundStreams: MAX_INBOUND_STREAMS });
  }

  async stop(): Promise<void> {
    const { libp2p } = this.#components;
    libp2p.removeEventListener('peer:disconnect', this.#onGone);
    const stopping = new StorageError('STREAM_CUT', 'this node is stopping');
    this.#stopped.abort(stopping);
    for (const key of this.#peers.keys()) this.#leave(key, stopping);
    await libp2p.unhandle(BITSWAP_PROTOCOL);
  }

  /**
   * A block from a connected peer, in memory that may be given back. Its hash is that of the CID.
   *
   * @throws StorageError NOT_FOUND when it has it not; STALLED when it is silent; PEER_UNREACHABLE when it went away, cannot be asked or is shunned;
   * FORMAT_UNSUPPORTED; the signal's reason
   */
  async want(peer: PeerId, cid: CID, { signal }: { signal: AbortSignal }): Promise<Uint8Array> {
    this.#stopped.signal.throwIfAborted();
    const shunned = this.shuns(peer);
    if (shunned !== undefined) throw shunned;
    return this.#peer(peer).asked.ask(cid, signal);
  }

  /** Why a peer is not asked at present; undefined when it is. */
  shuns(peer: PeerId): StorageError | undefined {
    const liar = this.#liars.get(peer.toString());
    if (liar === undefined) return undefined;
    if (liar.until > performance.now()) return new StorageError('PEER_UNREACHABLE', `${shortOf(liar.reason)} and is shunned`, { details: peer.toString(), cause: liar.reason });
    this.#liars.delete(peer.toString());
    return undefined;
  }

  readonly #onGone = ({ detail }: CustomEvent<PeerId>): void => {
    this.#leave(detail.toString(), new StorageError('PEER_UNREACHABLE', 'the peer went away', { details: detail.toString() }));
  };

  #peer(id: PeerId): Peer {
    const key = id.toString();
    let peer = this.#peers.get(key);
    if (peer === undefined) {
      const { libp2p, read, sizeOf } = this.#components;
      const { messageTimeoutMs: timeoutMs } = this.#init;
      const gone = new AbortController();
      // A want does not wait behind a block that a slow peer takes its time for.
      const [wants, answers] = [0, 1].map(() => new Outbox(libp2p, id, { signal: gone.signal, ...(timeoutMs !== undefined && { timeoutMs }) })) as [Outbox, Outbox];
      peer = {
        gone, outboxes: [wants, answers], coming: new Slots(MAX_BLOCKS_COMING), streams: new Set(),
        asked: new AskedWants((message) => wants.send([message]), this.#known, this.#init),
        served: new ServedWants({ read, sizeOf, slots: this.#slots, send: (pieces) => answers.send(pieces) }),
      };
      this.#peers.set(key, peer);
    }
    return peer;
  }

  #leave(key: string, reason: unknown): void {
    const peer = this.#peers.get(key);
    if (peer === undefined) return;
    this.#peers.delete(key);
    peer.gone.abort(reason);
    peer.asked.end(reason);
    peer.served.clear();
    for (const outbox of peer.outboxes) outbox.stop();
    for (const stream of peer.streams) stream.abort(toError(reason));
  }

  /** A stream from a peer, until it ends. */
  async #listen(stream: Stream, connection: Connection): Promise<void> {
    const id = connection.remotePeer;
    const abort = (error: unknown) => stream.abort(toError(error));
    const shunned = this.shuns(id);
    if (shunned !== undefined) return abort(shunned);
    const peer = this.#peer(id);
    peer.streams.add(stream);
    for (const outbox of peer.outboxes) outbox.hear(connection);
    const { messageTimeoutMs: timeoutMs = MESSAGE_TIMEOUT_MS, restartGraceMs = RESTART_GRACE_MS } = this.#init;
    const sink = sinkOf(peer, performance.now() - this.#started < restartGraceMs);
    const queue = new ByteQueue(sink.watched(receiveBytes(stream, { readAheadBytes: READ_AHEAD_BYTES })), { signal: peer.gone.signal, stallMs: Infinity });
    // Nothing is answered on it.
    const closed = stream.close({ signal: AbortSignal.timeout(timeoutMs) }).then(() => undefined, (error: unknown) => ({ error }));
    try {
      await readMessages(queue, sink, abort, { timeoutMs });
      const failed = await closed;
      if (failed !== undefined) abort(failed.error);
    } catch (error) {
      abort(error);
      if (isError(error, 'PROTOCOL_BROKEN', 'BLOCK_INVALID', 'BLOCK_TOO_LARGE')) this.#shun(id, error);
    } finally {
      queue.stop();
      peer.streams.delete(stream);
    }
  }

  #shun(peer: PeerId, reason: unknown): void {
    const key = peer.toString();
    this.#liars.delete(key);
    this.#liars.set(key, { until: performance.now() + (this.#init.liarTimeoutMs ?? LIAR_TIMEOUT_MS), reason });
    if (this.#liars.size > MAX_LIARS_REMEMBERED) for (const oldest of this.#liars.keys()) { this.#liars.delete(oldest); break; }
    this.#leave(key, new StorageError('PEER_UNREACHABLE', `${shortOf(reason)} and is shunned`, { details: key, cause: reason }));
  }
}

/** What one stream of a peer does. */
function sinkOf({ asked, served, coming }: Peer, lenient: boolean): MessageSink & { watched(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> } {
  let isComing = false;
  return {
    wants: (entries, full) => served.receive(entries, full),
    presence: (cid, has) => asked.presence(cid, has),
    async coming() {
      if (asked.size === 0) return undefined;
      const free = await coming.take();
      // Whatever it was asked for may have come meanwhile.
      isComing = asked.size > 0;
      if (isComing) return () => { isComing = false; free(); };
      free();
      return undefined;
    },
    block: (hashCode, bytes) => asked.block(hashCode, bytes, lenient),
    passed: (bytes) => asked.unasked(bytes),
    async* watched(chunks) {
      for await (const chunk of chunks) {
        // A block that takes its time is no silence.
        if (isComing) asked.hear();
        yield chunk;
      }
    },
  };
}

function toError(reason: unknown): Error {
  return reason instanceof Error ? reason : new Error(messageOf(reason));
}

function shortOf(reason: unknown): string {
  return isError(reason) ? reason.shortMessage : 'the peer lied';
}
