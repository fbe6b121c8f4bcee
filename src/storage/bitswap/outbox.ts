import { UnsupportedProtocolError, type Connection, type Libp2p, type PeerId, type Stream } from '@libp2p/interface';
import { Uint8ArrayList } from 'uint8arraylist';
import { anySignal } from '../../protocol/base/any-signal.ts';
import { isOver } from '../../protocol/wire/byte-stream.ts';
import { messageOf } from '../../protocol/base/errors.ts';
import { DIAL_TIMEOUT_MS } from '../constants.ts';
import { StorageError } from '../errors.ts';
import { sendBytes } from '../stream/peer-bytes.ts';
import { BITSWAP_PROTOCOL, MESSAGE_TIMEOUT_MS, STREAM_IDLE_MS, WRITE_AHEAD_BYTES } from './constants.ts';

/**
 * Messages to one peer, in order, on a stream that is opened for the first of them and closed when there are no more for a while. Nobody says that a
 * message has come: what was lost with its stream is noticed by the silence.
 */
export class Outbox {
  readonly #libp2p: Pick<Libp2p, 'getConnections'>;
  readonly #peer: PeerId;
  readonly #signal: AbortSignal;
  readonly #timeoutMs: number;
  #stream: Stream | undefined;
  #last: Promise<void> = Promise.resolve();
  #waiting = 0;
  #idle: NodeJS.Timeout | undefined;
  #heard: Connection | undefined;

  /** @param signal ends everything */
  constructor(libp2p: Pick<Libp2p, 'getConnections'>, peer: PeerId, { signal, timeoutMs = MESSAGE_TIMEOUT_MS }: { signal: AbortSignal; timeoutMs?: number }) {
    this.#libp2p = libp2p;
    this.#peer = peer;
    this.#signal = signal;
    this.#timeoutMs = timeoutMs;
  }

  /** It was heard on this connection, of which libp2p itself may not know yet. */
  hear(connection: Connection): void {
    this.#heard = connection;
  }

  /** Sends a message that is in pieces; resolves when there is room for the next. @throws StorageError PEER_UNREACHABLE, NOT_FOUND for one that does not speak bitswap, STREAM_CUT, STALLED; the signal's reason */
  send(pieces: readonly Uint8Array[]): Promise<void> {
    this.#waiting++;
    clearTimeout(this.#idle);
    const sent = this.#last.then(() => this.#send(pieces));
    this.#last = sent.catch(() => {}).then(() => {
      if (--this.#waiting > 0) return;
      this.#idle = setTimeout(() => this.#close(), STREAM_IDLE_MS);
      this.#idle.unref();
    });
    return sent;
  }

  /** No more is sent. */
  stop(): void {
    clearTimeout(this.#idle);
    this.#stream?.abort(new StorageError('STREAM_CUT', 'this node is stopping'));
  }

  async #send(pieces: readonly Uint8Array[]): Promise<void> {
    const stream = await this.#open();
    try {
      await sendBytes(stream, new Uint8ArrayList(...pieces), { signal: this.#signal, timeoutMs: this.#timeoutMs, writeAheadBytes: WRITE_AHEAD_BYTES });
    } catch (error) {
      stream.abort(error instanceof Error ? error : new Error(messageOf(error)));
      throw error;
    }
  }

  async #open(): Promise<Stream> {
    this.#signal.throwIfAborted();
    if (this.#stream !== undefined && !isOver(this.#stream) && this.#stream.writeStatus === 'writable') return this.#stream;
    try {
      // Whoever went away is not called back: it is found anew where it is needed. Limited connections are others' bandwidth.
      const connection = [...this.#libp2p.getConnections(this.#peer), ...(this.#heard === undefined ? [] : [this.#heard])].find(({ status, limits }) => status === 'open' && limits === undefined);
      if (connection === undefined) throw new Error('it is not connected');
      const stream = await connection.newStream(BITSWAP_PROTOCOL, { signal: anySignal(this.#signal, AbortSignal.timeout(DIAL_TIMEOUT_MS)) });
      this.#stream = stream;
      // Nothing is said there.
      stream.addEventListener('message', () => {});
      return stream;
    } catch (cause) {
      this.#signal.throwIfAborted();
      if (cause instanceof UnsupportedProtocolError) throw new StorageError('NOT_FOUND', 'the peer does not speak bitswap', { details: this.#peer.toString(), cause });
      throw new StorageError('PEER_UNREACHABLE', 'the peer cannot be asked', { details: `${this.#peer}: ${messageOf(cause)}`, cause });
    }
  }

  #close(): void {
    const stream = this.#stream;
    this.#stream = undefined;
    stream?.close({ signal: AbortSignal.timeout(DIAL_TIMEOUT_MS) }).catch((error: unknown) => stream.abort(error as Error));
  }
}
