import { Duplex } from 'node:stream';
import { misbehaved } from '../wire.ts';
import { CREDIT_BYTES, MAX_BYTES_OF_FRAME, SMALL_CHUNK_BYTES, WINDOW_BYTES } from './constants.ts';
import { BYTES, END, RESET, creditFrame, tunnelFrame } from './tunnel-frames.ts';

/** What a stream needs of its tunnel. */
export interface StreamLink {
  /** Sends a frame; `done` once it has left. */
  send(frame: Buffer, done?: (error?: Error | null) => void): void;
  /** The stream is over. */
  forget(): void;
}

/**
 * The host's end of one connection of a guest: as a socket is, with `setTimeout`. A guest that sends beyond its window, after its end, or
 * grants more than it was sent breaks the protocol; the methods that take its frames then throw ExecutorError GUEST_MISBEHAVED.
 */
export class GuestStream extends Duplex {
  readonly #id: number;
  readonly #link: StreamLink;
  /** Bytes that may be sent to the guest. */
  #credit = WINDOW_BYTES;
  /** Bytes that the guest may send, and those passed on of which it has not been told. */
  #window = WINDOW_BYTES;
  #owed = 0;
  #held: Buffer[] = [];
  #wanted = false;
  #guestEnded = false;
  #hostEnded = false;
  #silenced = false;
  #writing: { bytes: Buffer; done: (error?: Error | null) => void } | undefined;
  #idleMs = 0;
  #idle: NodeJS.Timeout | undefined;

  constructor(id: number, link: StreamLink) {
    // What waits to be read is kept here, not in the stream's own list of chunks.
    super({ readableHighWaterMark: 1, allowHalfOpen: true });
    this.#id = id;
    this.#link = link;
  }

  /** Bytes from the guest. */
  received(bytes: Buffer): void {
    if (this.#guestEnded) throw misbehaved('bytes of a stream that has ended');
    if (bytes.length === 0 || bytes.length > this.#window) throw misbehaved('bytes of a stream beyond its window, or none');
    this.#window -= bytes.length;
    this.#alive();
    const last = this.#held.at(-1);
    if (last !== undefined && last.length < SMALL_CHUNK_BYTES && bytes.length < SMALL_CHUNK_BYTES) this.#held[this.#held.length - 1] = Buffer.concat([last, bytes]);
    else this.#held.push(Buffer.from(bytes));
    this.#pass();
  }

  /** The guest may be sent more. */
  credited(bytes: number): void {
    if (bytes < 1 || this.#credit + bytes > WINDOW_BYTES) throw misbehaved('credit for what was never sent');
    this.#credit += bytes;
    this.#alive();
    this.#flush();
  }

  /** The guest sends no more. */
  ended(): void {
    if (this.#guestEnded) throw misbehaved('a stream that ends twice');
    this.#guestEnded = true;
    this.#pass();
  }

  /** The guest has hung up: it is told nothing more. */
  hungUp(): void {
    this.#silenced = true;
    this.destroy();
  }

  /** `timeout` after this many ms without a byte, as of a socket; 0 for never. */
  setTimeout(ms: number, onTimeout?: () => void): this {
    this.#idleMs = ms;
    if (onTimeout !== undefined) this.once('timeout', onTimeout);
    this.#alive();
    return this;
  }

  override _read(): void {
    this.#wanted = true;
    this.#pass();
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    this.#writing = { bytes: chunk, done };
    this.#alive();
    this.#flush();
  }

  override _final(done: (error?: Error | null) => void): void {
    this.#hostEnded = true;
    this.#link.send(tunnelFrame(END, this.#id), done);
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    clearTimeout(this.#idle);
    if (!this.#silenced && !(this.#guestEnded && this.#hostEnded)) this.#link.send(tunnelFrame(RESET, this.#id));
    this.#held = [];
    this.#link.forget();
    done(error);
  }

  #pass(): void {
    while (this.#wanted && this.#held.length > 0) {
      const bytes = this.#held.shift()!;
      this.#wanted = false;
      this.#owed += bytes.length;
      if (this.#owed >= CREDIT_BYTES && !this.#guestEnded) {
        this.#link.send(creditFrame(this.#id, this.#owed));
        this.#window += this.#owed;
        this.#owed = 0;
      }
      this.push(bytes);
    }
    if (this.#wanted && this.#guestEnded && this.#held.length === 0) {
      this.#wanted = false;
      this.push(null);
    }
  }

  #flush(): void {
    const writing = this.#writing;
    if (writing === undefined || this.#credit === 0) return;
    const count = Math.min(this.#credit, MAX_BYTES_OF_FRAME, writing.bytes.length);
    const rest = writing.bytes.subarray(count);
    this.#writing = undefined;
    this.#credit -= count;
    // One frame at a time is on its way: the tunnel's own slowness holds the stream back.
    this.#link.send(tunnelFrame(BYTES, this.#id, writing.bytes.subarray(0, count)), (error) => {
      if (error || rest.length === 0) return writing.done(error);
      this.#writing = { bytes: rest, done: writing.done };
      this.#flush();
    });
  }

  #alive(): void {
    clearTimeout(this.#idle);
    if (this.#idleMs > 0 && !this.destroyed) this.#idle = globalThis.setTimeout(() => this.emit('timeout'), this.#idleMs).unref();
  }
}
