import { Worker } from 'node:worker_threads';
import { sibling } from '../../protocol/base/sibling.ts';
import type { BlockFilesOrder, BlockFilesOutcome } from './block-files-worker.ts';

type Asked = BlockFilesOrder extends infer Order ? (Order extends BlockFilesOrder ? Omit<Order, 'number'> : never) : never;

/**
 * Deals with many small files in a thread of its own: by way of the main thread's pool, the three or four calls of each take ten times as long as what they do.
 * The thread starts with the first order, and keeps nothing alive while it has none.
 */
export class BlockFiles {
  #worker: Worker | undefined;
  #number = 0;
  readonly #running = new Map<number, PromiseWithResolvers<BlockFilesOutcome>>();

  /** @returns the bytes of each file; -1 for one that is left to whoever asked @throws what ended the thread */
  async deal(asked: Asked): Promise<Int32Array> {
    return (await this.#ask(asked)).bytes;
  }

  /** @returns what is in each file; undefined for one that is left to whoever asked @throws what ended the thread */
  async read(asked: Omit<Extract<Asked, { kind: 'read' }>, 'kind'>): Promise<(Uint8Array | undefined)[]> {
    const { bytes, contents } = await this.#ask({ kind: 'read', ...asked });
    let at = 0;
    return Array.from(bytes, (count) => (count < 0 ? undefined : contents.subarray(at, at += count)));
  }

  #ask(asked: Asked): Promise<BlockFilesOutcome> {
    const worker = this.#worker ??= this.#start();
    const number = this.#number++;
    const outcome = Promise.withResolvers<BlockFilesOutcome>();
    this.#running.set(number, outcome);
    worker.ref();
    // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread, not a window
    worker.postMessage({ ...asked, number } satisfies BlockFilesOrder);
    return outcome.promise;
  }

  /** Ends the thread when what was asked of it is done. */
  async stop(): Promise<void> {
    await Promise.allSettled([...this.#running.values()].map(({ promise }) => promise));
    const worker = this.#worker;
    this.#worker = undefined;
    await worker?.terminate();
  }

  #start(): Worker {
    const worker = new Worker(sibling('block-files-worker', import.meta.url), { execArgv: [], stdin: false, resourceLimits: { maxOldGenerationSizeMb: 32, maxYoungGenerationSizeMb: 2 } });
    worker.on('message', (outcome: BlockFilesOutcome) => {
      this.#running.get(outcome.number)?.resolve(outcome);
      this.#running.delete(outcome.number);
      if (this.#running.size === 0) worker.unref();
    });
    const fail = (cause: unknown) => {
      if (this.#worker === worker) this.#worker = undefined;
      const lost = [...this.#running.values()];
      this.#running.clear();
      for (const { reject } of lost) reject(cause);
    };
    worker.on('error', fail);
    worker.on('exit', () => fail(new Error('the thread that deals with block files ended')));
    return worker;
  }
}
