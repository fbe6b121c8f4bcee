import { afterSilence } from '../../protocol/base/after-silence.ts';
import { StorageError } from '../errors.ts';
import { borrow, drop } from './buffers.ts';
import { STREAM_STALL_MS } from './constants.ts';

export interface ByteQueueInit {
  signal: AbortSignal;
  /** Longest wait for the next chunk; `Infinity` where somebody else keeps the time. */
  stallMs?: number;
  /** Nobody else looks at the chunks: their memory is freed as soon as they are used up. */
  owned?: boolean;
}

/** Bytes that come in chunks, taken in the pieces their reader wants. Nothing is asked for before it is wanted, so the sender is held back. */
export class ByteQueue {
  readonly #chunks: AsyncIterator<Uint8Array>;
  readonly #signal: AbortSignal;
  readonly #stallMs: number;
  #waiting: Uint8Array[] = [];
  #length = 0;
  readonly #owned: boolean;
  /** Somebody was given a view of the first chunk. */
  #seen = false;
  /** Time spent waiting for bytes so far, ms. */
  waitedMs = 0;

  constructor(chunks: AsyncIterable<Uint8Array>, { signal, stallMs = STREAM_STALL_MS, owned = false }: ByteQueueInit) {
    this.#chunks = chunks[Symbol.asyncIterator]();
    this.#signal = signal;
    this.#stallMs = stallMs;
    this.#owned = owned;
  }

  /** Exactly so many bytes, which may be given back (`giveBack`); undefined when the stream ended before the first of them. @throws StorageError STREAM_CUT when it ends within them; STALLED */
  async take(length: number): Promise<Uint8Array | undefined> {
    if (length === 0) return new Uint8Array();
    if (this.#length === 0 && !await this.#more()) return undefined;
    const first = this.#waiting[0]!;
    if (first.length >= length) {
      this.#seen = true;
      this.#advance(length);
      return first.subarray(0, length);
    }
    // Taken as it comes, so that no more than that is ever held.
    const bytes = borrow(length);
    for (let at = 0; at < length;) {
      const chunk = this.#waiting[0];
      if (chunk === undefined) {
        if (await this.#more()) continue;
        throw new StorageError('STREAM_CUT', 'the stream was cut off', { details: `${at} of ${length} bytes came` });
      }
      const part = chunk.subarray(0, length - at);
      bytes.set(part, at);
      at += part.length;
      this.#advance(part.length);
    }
    return bytes;
  }

  /** Goes past bytes of the first chunk. */
  #advance(count: number): void {
    this.#length -= count;
    const chunk = this.#waiting[0]!;
    if (count < chunk.length) {
      this.#waiting[0] = chunk.subarray(count);
      return;
    }
    this.#waiting.shift();
    if (this.#owned && !this.#seen) drop(new Uint8Array(chunk.buffer as ArrayBuffer));
    this.#seen = false;
  }

  /** An unsigned LEB128 number; undefined when the stream ended before it. @throws StorageError CAR_INVALID for one above 2^28, which no length is */
  async varint(): Promise<number | undefined> {
    let value = 0;
    for (let shift = 0; shift < 28; shift += 7) {
      if (this.#length === 0 && !await this.#more()) {
        if (shift === 0) return undefined;
        throw new StorageError('STREAM_CUT', 'the stream was cut off', { details: 'within a length' });
      }
      const byte = this.#waiting[0]![0]!;
      this.#advance(1);
      value |= (byte & 0x7f) << shift;
      if (byte < 0x80) {
        if (byte === 0 && shift > 0) break;
        return value;
      }
    }
    throw new StorageError('CAR_INVALID', 'a length in the stream is none');
  }

  /** The next byte; undefined when the stream ended. */
  async byte(): Promise<number | undefined> {
    if (this.#length === 0 && !await this.#more()) return undefined;
    const byte = this.#waiting[0]![0]!;
    this.#advance(1);
    return byte;
  }

  /** Goes past so many bytes, which are not kept. @throws StorageError STREAM_CUT when it ends within them; STALLED */
  async pass(length: number): Promise<void> {
    for (let left = length; left > 0;) {
      if (this.#length === 0 && !await this.#more()) throw new StorageError('STREAM_CUT', 'the stream was cut off', { details: `${left} of ${length} bytes did not come` });
      const count = Math.min(left, this.#waiting[0]!.length);
      this.#advance(count);
      left -= count;
    }
  }

  /** All that is still to come, as it comes. @throws StorageError STALLED; what the stream throws */
  async* rest(): AsyncGenerator<Uint8Array> {
    for (;;) {
      const chunk = this.#waiting.shift();
      if (chunk !== undefined) {
        this.#length -= chunk.length;
        this.#seen = false;
        yield chunk;
      } else if (!await this.#more()) {
        return;
      }
    }
  }

  /** Tells the sender that no more is wanted. */
  stop(): void {
    this.#waiting = [];
    void this.#chunks.return?.()?.catch(() => {});
  }

  async #more(): Promise<boolean> {
    this.#signal.throwIfAborted();
    const started = performance.now();
    // One promise by hand: this is done for each chunk that comes, and races of several cost more than the chunk.
    const { promise, resolve, reject } = Promise.withResolvers<IteratorResult<Uint8Array>>();
    const came = this.#stallMs === Infinity ? () => {} : afterSilence(this.#stallMs, () => reject(new StorageError('STALLED', 'nothing came', { details: `within ${this.#stallMs} ms` })));
    const onAbort = () => reject(this.#signal.reason);
    this.#signal.addEventListener('abort', onAbort, { once: true });
    this.#chunks.next().then(resolve, reject);
    try {
      const { value, done } = await promise;
      if (done === true) return false;
      if (value.length === 0) return await this.#more();
      this.#waiting.push(value);
      this.#length += value.length;
      return true;
    } finally {
      came();
      this.#signal.removeEventListener('abort', onAbort);
      this.waitedMs += performance.now() - started;
    }
  }
}
