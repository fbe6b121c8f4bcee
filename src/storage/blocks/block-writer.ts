import { Worker } from 'node:worker_threads';
import { sibling } from '../../protocol/base/sibling.ts';
import { WRITE_MEMORY_BYTES } from '../constants.ts';
import { StorageError } from '../errors.ts';
import type { WriteBlocksData, WriteOrder, WriteOutcome } from './write-blocks-worker.ts';

interface Waiting { path: string; bytes: Uint8Array; replace: boolean; written: PromiseWithResolvers<void> }
interface Sent { length: number; written: PromiseWithResolvers<void> }

/**
 * Writes files in a thread of its own. A call into the file system from the main thread goes through a pool of threads and back, four
 * times a file, which costs more than the writing; and one that waits for the disk must not hold up everything else.
 *
 * Bytes go by a ring of shared memory, which is all the memory it takes: whoever writes more waits. The thread starts at the first write.
 */
export class BlockWriter {
  readonly #temporary: string;
  readonly #memory: Uint8Array<SharedArrayBuffer>;
  readonly #waiting: Waiting[] = [];
  #orders: WriteOrder[] = [];
  #ordered: Sent[] = [];
  /** What the worker has, oldest first: it answers in this order. */
  readonly #sent: Sent[] = [];
  #worker: Worker | undefined;
  /** Where the ring is used: from `#tail`, so many bytes. */
  #tail = 0;
  #used = 0;

  /** @param temporary a folder on the same file system, for what is being written; it must exist */
  constructor(temporary: string, { memoryBytes = WRITE_MEMORY_BYTES } = {}) {
    this.#temporary = temporary;
    this.#memory = new Uint8Array(new SharedArrayBuffer(memoryBytes));
  }

  /** Writes a file unless it is there and is not to be replaced, whole or not at all; the bytes must not change until then. @throws StorageError DISK_FULL; what the file system says */
  write(path: string, bytes: Uint8Array, { replace = false } = {}): Promise<void> {
    const written = Promise.withResolvers<void>();
    this.#waiting.push({ path, bytes, replace, written });
    this.#send();
    return written.promise;
  }

  /** Ends the thread when what was asked of it is done. */
  async stop(): Promise<void> {
    while (this.#waiting.length + this.#sent.length + this.#ordered.length > 0) {
      await Promise.allSettled([...this.#waiting, ...this.#sent, ...this.#ordered].map(({ written }) => written.promise));
    }
    const worker = this.#worker;
    this.#worker = undefined;
    await worker?.terminate();
  }

  #send(): void {
    for (let next = this.#waiting[0]; next !== undefined; next = this.#waiting[0]) {
      const place = this.#allocate(next.bytes.length);
      if (place === undefined) break;
      this.#waiting.shift();
      this.#memory.set(next.bytes, place.offset);
      if (this.#orders.length === 0) queueMicrotask(() => this.#flush());
      this.#orders.push({ path: next.path, offset: place.offset, length: next.bytes.length, replace: next.replace });
      this.#ordered.push({ length: place.taken, written: next.written });
    }
  }

  /** Orders of one turn go together. */
  #flush(): void {
    const orders = this.#orders;
    this.#sent.push(...this.#ordered);
    this.#orders = [];
    this.#ordered = [];
    const worker = this.#worker ??= this.#start();
    worker.ref();
    // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread, not a window
    worker.postMessage(orders);
  }

  /** Bytes in one piece: what is left at the end of the ring is passed over. */
  #allocate(length: number): { offset: number; taken: number } | undefined {
    const size = this.#memory.length;
    if (this.#used === 0) this.#tail = 0;
    const head = (this.#tail + this.#used) % size;
    const skipped = head + length > size ? size - head : 0;
    if (this.#used + skipped + length > size) return undefined;
    this.#used += skipped + length;
    return { offset: skipped === 0 ? head : 0, taken: skipped + length };
  }

  #start(): Worker {
    const file = sibling('write-blocks-worker', import.meta.url);
    const workerData: WriteBlocksData = { memory: this.#memory.buffer, temporary: this.#temporary };
    const worker = new Worker(file, { workerData, execArgv: [], stdin: false, resourceLimits: { maxOldGenerationSizeMb: 32, maxYoungGenerationSizeMb: 2 } });
    worker.on('message', (outcomes: WriteOutcome[]) => {
      for (const outcome of outcomes) {
        const { length, written } = this.#sent.shift()!;
        this.#tail = (this.#tail + length) % this.#memory.length;
        this.#used -= length;
        if (outcome === undefined) written.resolve();
        else written.reject(toError(outcome));
      }
      if (this.#sent.length === 0) worker.unref();
      this.#send();
    });
    worker.on('error', (cause) => {
      if (this.#worker === worker) this.#worker = undefined;
      const lost = this.#sent.splice(0);
      this.#used -= lost.reduce((sum, { length }) => sum + length, 0);
      this.#tail = (this.#tail + lost.reduce((sum, { length }) => sum + length, 0)) % this.#memory.length;
      for (const { written } of lost) written.reject(cause);
      this.#send();
    });
    return worker;
  }
}

function toError({ code, message }: NonNullable<WriteOutcome>): Error {
  if (code === 'ENOSPC' || code === 'EDQUOT') return new StorageError('DISK_FULL', 'the disk is full', { details: message });
  return Object.assign(new Error(message), code === undefined ? {} : { code });
}
