import { createCipheriv, createHash, randomBytes, type Cipheriv } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { anySignal } from '../../protocol/base/any-signal.ts';
import { abortable } from '../../protocol/base/abortable.ts';
import type { Startable } from '../../protocol/base/startable.ts';
import { StorageError } from '../errors.ts';
import { drop } from '../stream/buffers.ts';
import { WRITE_TIMEOUT_MS } from '../stream/constants.ts';
import { DIRECT_MAGIC, DIRECT_OFFER_TIMEOUT_MS, MAX_DIRECT_STRANGERS } from './constants.ts';

/** What a peer is told, over its encrypted connection, to fetch one answer directly. */
export interface DirectOffer { port: number; ticket: Uint8Array; key: Uint8Array }

/** Where an answer goes. */
export interface DirectWriter {
  /** Resolves when there is room for more. @throws StorageError STREAM_CUT, STALLED; the signal's reason */
  send(bytes: Uint8Array, options: { signal: AbortSignal; timeoutMs?: number }): Promise<void>;
  /** All was sent: resolves when it is with the system. */
  end(options: { signal: AbortSignal }): Promise<void>;
  destroy(): void;
}

export const TICKET_BYTES = 32;
export const KEY_BYTES = 32;
const IV = Buffer.alloc(16);
const HELLO_BYTES = DIRECT_MAGIC.length + 32;

/**
 * A TCP port beside libp2p's, for bulk: libp2p's encryption and muxing in JavaScript cost a core at 50 MB/s. A peer is let in by a ticket
 * that it got over libp2p, once; what is sent is encrypted by AES-256-CTR with a key from there. There is no authentication tag: every
 * block is verified by its hash, and a stream that was tampered with is merely no use.
 */
export class DirectDoor implements Startable {
  readonly #listen: { host: string; port: number };
  readonly #server: Server;
  readonly #offers = new Map<string, (socket: Socket) => void>();
  readonly #sockets = new Set<Socket>();
  readonly #offerTimeoutMs: number;
  #strangers = 0;

  constructor(listen: { host: string; port: number }, { offerTimeoutMs = DIRECT_OFFER_TIMEOUT_MS } = {}) {
    this.#listen = listen;
    this.#offerTimeoutMs = offerTimeoutMs;
    this.#server = createServer({ noDelay: true }, (socket) => this.#meet(socket));
  }

  /** @throws what listening throws */
  async start(): Promise<void> {
    this.#server.listen(this.#listen.port, this.#listen.host);
    await once(this.#server, 'listening');
  }

  async stop(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    if (this.#server.listening) await new Promise((resolve) => { this.#server.close(resolve); });
  }

  /** An offer for one peer, and the connection that takes it up. @throws StorageError STALLED when nobody does; the signal's reason */
  offer(): DirectOffer & { taken(signal: AbortSignal): Promise<DirectWriter> } {
    const ticket = randomBytes(TICKET_BYTES);
    const key = randomBytes(KEY_BYTES);
    const name = nameOf(ticket);
    const { promise, resolve } = Promise.withResolvers<Socket>();
    this.#offers.set(name, resolve);
    return {
      ticket, key, port: (this.#server.address() as AddressInfo).port,
      taken: async (signal) => {
        const late = AbortSignal.timeout(this.#offerTimeoutMs);
        try {
          return writerOver(await abortable(promise, anySignal(signal, late)), createCipheriv('aes-256-ctr', key, IV));
        } catch (cause) {
          signal.throwIfAborted();
          throw new StorageError('STALLED', 'nobody took up the offer', { details: `within ${this.#offerTimeoutMs} ms`, cause });
        } finally {
          this.#offers.delete(name);
        }
      },
    };
  }

  #meet(socket: Socket): void {
    socket.on('error', () => socket.destroy());
    this.#sockets.add(socket);
    socket.once('close', () => this.#sockets.delete(socket));
    if (this.#strangers >= MAX_DIRECT_STRANGERS) return void socket.destroy();
    this.#strangers++;
    const timer = setTimeout(() => socket.destroy(), this.#offerTimeoutMs);
    const known = () => {
      this.#strangers--;
      clearTimeout(timer);
      socket.off('data', onData);
      socket.off('close', known);
    };
    let hello = Buffer.alloc(0);
    const onData = (chunk: Buffer) => {
      hello = Buffer.concat([hello, chunk.subarray(0, HELLO_BYTES)]);
      if (hello.length < HELLO_BYTES && DIRECT_MAGIC.startsWith(hello.toString('latin1', 0, DIRECT_MAGIC.length))) return;
      const offer = hello.toString('latin1', 0, DIRECT_MAGIC.length) === DIRECT_MAGIC ? hello.toString('hex', DIRECT_MAGIC.length, HELLO_BYTES) : '';
      const take = this.#offers.get(offer);
      known();
      this.#offers.delete(offer);
      if (take === undefined) return void socket.destroy();
      // Nothing more is read, but the end of it is noticed.
      socket.resume();
      take(socket);
    };
    socket.on('data', onData);
    socket.once('close', known);
  }
}

/** What stands for a ticket on the wire: nobody can make us send bytes of his choosing to a port of his choosing. */
export function nameOf(ticket: Uint8Array): string {
  return createHash('sha256').update(ticket).digest('hex');
}

function writerOver(socket: Socket, cipher: Cipheriv): DirectWriter {
  const gone = (cause?: unknown) => new StorageError('STREAM_CUT', 'the peer went away', cause === undefined ? {} : { cause });
  const settled = async (event: 'drain' | 'finish', { signal, timeoutMs = WRITE_TIMEOUT_MS }: { signal: AbortSignal; timeoutMs?: number }) => {
    const late = AbortSignal.timeout(timeoutMs);
    const closed = new AbortController();
    const onClose = () => closed.abort(gone());
    socket.once('close', onClose);
    try {
      if (socket.destroyed) throw gone();
      await once(socket, event, { signal: anySignal(signal, late, closed.signal) });
    } catch (cause) {
      signal.throwIfAborted();
      if (late.aborted) throw new StorageError('STALLED', 'the peer takes nothing', { details: `for ${timeoutMs} ms`, cause });
      throw gone(cause);
    } finally {
      socket.off('close', onClose);
    }
  };
  return {
    async send(bytes, options) {
      options.signal.throwIfAborted();
      if (socket.destroyed) throw gone();
      const sealed = cipher.update(bytes) as Buffer<ArrayBuffer>;
      if (!socket.write(sealed, () => drop(sealed))) await settled('drain', options);
    },
    async end(options) {
      const finished = settled('finish', options);
      socket.end();
      await finished;
    },
    destroy: () => { socket.destroy(); },
  };
}
