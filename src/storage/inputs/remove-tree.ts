import { opendir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { sibling } from '../../protocol/base/sibling.ts';
import { REMOVED_WITHOUT_THREAD } from '../constants.ts';

/**
 * Removes a file or folder with all that is in it, if it is there. Many files are removed by a thread: Node's own way holds a promise for each, two
 * gigabytes for a million of them.
 *
 * @throws what the file system says; the signal's reason, when some of it is gone already
 */
export async function removeTree(path: string, { signal }: { signal?: AbortSignal } = {}): Promise<void> {
  signal?.throwIfAborted();
  if (await hasFewer(path, REMOVED_WITHOUT_THREAD)) return rm(path, { recursive: true, force: true });
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const worker = new Worker(sibling('remove-tree-worker', import.meta.url), { workerData: path, execArgv: [], stdin: false, resourceLimits: { maxOldGenerationSizeMb: 32, maxYoungGenerationSizeMb: 2 } });
  worker.once('error', reject);
  worker.once('exit', () => resolve());
  const onAbort = () => { void worker.terminate().then(() => reject(signal!.reason)); };
  signal?.addEventListener('abort', onAbort, { once: true });
  try {
    await promise;
    signal?.throwIfAborted();
  } finally {
    signal?.removeEventListener('abort', onAbort);
  }
}

/** Whether there are fewer entries in and below a folder; what is no folder has none. */
async function hasFewer(root: string, count: number): Promise<boolean> {
  let left = count;
  const waiting = [root];
  for (let path = waiting.pop(); path !== undefined; path = waiting.pop()) {
    const folder = await opendir(path).catch(() => undefined);
    if (folder === undefined) continue;
    for await (const entry of folder) {
      if (--left <= 0) return false;
      if (entry.isDirectory()) waiting.push(join(path, entry.name));
    }
  }
  return true;
}
