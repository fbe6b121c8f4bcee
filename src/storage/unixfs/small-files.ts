import { Worker } from 'node:worker_threads';
import { sibling } from '../../protocol/base/sibling.ts';
import { READ_WITHOUT_THREAD, SMALL_FILE_BYTES } from '../constants.ts';
import type { ReadFilesData, ReadFilesOrder, ReadFilesOutcome } from './read-files-worker.ts';

/**
 * Reads and hashes small files in a thread of its own, many in one go: by way of the main thread's pool, the five calls of each take ten times as long as what
 * they do. The thread starts when there are enough of them. Whoever made it must stop it.
 */
export class SmallFiles {
  #worker: Worker | undefined;
  #asked = 0;
  #number = 0;
  readonly #running = new Map<number, PromiseWithResolvers<ReadFilesOutcome>>();

  /** Reads files of one folder; undefined while there are too few to start a thread for. @throws what ended the thread */
  async read(order: Omit<ReadFilesOrder, 'number'>): Promise<ReadFilesOutcome | undefined> {
    this.#asked += order.names.length;
    if (this.#worker === undefined && this.#asked <= READ_WITHOUT_THREAD) return undefined;
    const worker = this.#worker ??= this.#start();
    const number = this.#number++;
    const outcome = Promise.withResolvers<ReadFilesOutcome>();
    this.#running.set(number, outcome);
    // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread, not a window
    worker.postMessage({ ...order, number } satisfies ReadFilesOrder);
    return outcome.promise;
  }

  /** Ends the thread; it starts anew when files are to be read again. */
  async stop(): Promise<void> {
    const worker = this.#worker;
    this.#worker = undefined;
    await worker?.terminate();
  }

  #start(): Worker {
    const file = sibling('read-files-worker', import.meta.url);
    const workerData: ReadFilesData = { maxFileBytes: SMALL_FILE_BYTES };
    const worker = new Worker(file, { workerData, execArgv: [], stdin: false, resourceLimits: { maxOldGenerationSizeMb: 64, maxYoungGenerationSizeMb: 4 } });
    const fail = (cause: unknown) => {
      for (const { reject } of this.#running.values()) reject(cause);
      this.#running.clear();
    };
    worker.on('message', (outcome: ReadFilesOutcome) => {
      this.#running.get(outcome.number)?.resolve(outcome);
      this.#running.delete(outcome.number);
    });
    worker.on('error', fail);
    worker.on('exit', () => fail(new Error('the thread that reads files ended')));
    return worker;
  }
}
