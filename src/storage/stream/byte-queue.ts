import { abortable } from '../../protocol/abortable.ts';
import { StorageError } from '../errors.ts';
import { STREAM_STALL_MS } from './constants.ts';

export interface ByteQueueInit {
  signal: AbortSignal;
  /** Longest wait for the next chunk. */
  stallMs?: number;
}

/** Bytes that come in chunks, taken in the pieces their reader wants. Nothing is asked for before it is wanted, so the sender is held back. */
export class ByteQueue {
  readonly #chunks: AsyncIterator<Uint8Array>;
  readonly #signal: AbortSignal;
  readonly #stallMs: number;
  #waiting: Uint8Array[] = [];
  #length = 0;
  /** Time spent waiting for bytes so far, ms. */
  waitedMs = 0;

  constructor(chunks: AsyncIterable<Uint8Array>, { signal, stallMs = STREAM_STALL_MS }: ByteQueueInit) {
    this.#chunks = chunks[Symbol.asyncIterator]();
    this.#signal = signal;
    this.#stallMs = stallMs;
  }

  /** Exactly so many bytes; undefined when the stream ended before the first of them. @throws StorageError STREAM_CUT when it ends within them; STALLED */
  async take(length: number): Promise<Uint8Array | undefined> {
    while (this.#length < length) {
      if (await this.#more()) continue;
      if (this.#length === 0) return undefined;
      throw new StorageError('STREAM_CUT', 'the stream was cut off', { details: `${this.#length} of ${length} bytes came` });
    }
    this.#length -= length;
    const first = this.#waiting[0];
    if (first === undefined) return new Uint8Array();
    if (first.length >= length) {
      if (first.length === length) this.#waiting.shift();
      else this.#waiting[0] = first.subarray(length);
      return first.subarray(0, length);
    }
    const bytes = new Uint8Array(length);
    for (let at = 0; at < length;) {
      const chunk = this.#waiting[0]!;
      const part = chunk.subarray(0, length - at);
      bytes.set(part, at);
      at += part.length;
      if (part.length === chunk.length) this.#waiting.shift();
      else this.#waiting[0] = chunk.subarray(part.length);
    }
    return bytes;
  }

  /** An unsigned LEB128 number; undefined when the stream ended before it. @throws StorageError CAR_INVALID for one above 2^28, which no length is */
  async varint(): Promise<number | undefined> {
    let value = 0;
    for (let shift = 0; shift < 28; shift += 7) {
      const byte = (await this.take(1))?.[0];
      if (byte === undefined) {
        if (shift === 0) return undefined;
        throw new StorageError('STREAM_CUT', 'the stream was cut off', { details: 'within a length' });
      }
      value |= (byte & 0x7f) << shift;
      if (byte < 0x80) {
        if (byte === 0 && shift > 0) break;
        return value;
      }
    }
    throw new StorageError('CAR_INVALID', 'a length in the stream is none');
  }

  /** All that is still to come, as it comes. @throws StorageError STALLED; what the stream throws */
  async* rest(): AsyncGenerator<Uint8Array> {
    for (;;) {
      const chunk = this.#waiting.shift();
      if (chunk !== undefined) {
        this.#length -= chunk.length;
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
    let timer: NodeJS.Timeout | undefined;
    const stall = new Promise<never>((_resolve, reject) => {
      timer = setTimeout(() => reject(new StorageError('STALLED', 'nothing came', { details: `within ${this.#stallMs} ms` })), this.#stallMs);
    });
    try {
      const { value, done } = await abortable(Promise.race([this.#chunks.next(), stall]), this.#signal);
      if (done === true) return false;
      if (value.length > 0) this.#waiting.push(value);
      this.#length += value.length;
      return true;
    } finally {
      clearTimeout(timer);
      this.waitedMs += performance.now() - started;
    }
  }
}
