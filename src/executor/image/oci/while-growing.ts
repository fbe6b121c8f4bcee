import { setTimeout as delay } from 'node:timers/promises';
import { anySignal, formatBytes } from '../../../protocol/index.ts';
import { PULL_LOOK_MS } from '../../constants.ts';
import { ExecutorError } from '../../errors.ts';
import { treeBytes } from '../../outputs/tree-bytes.ts';

export interface Growth {
  /** Longest time without a change, ms. */
  silenceMs: number;
  /** Most bytes of all files. */
  maxBytes: number;
  onBytes: (bytes: number) => void;
  signal?: AbortSignal;
}

/**
 * Does something that fills a directory, for as long as that goes on: a large image may take its time as long as it comes. Looks at the files, because a
 * tool that is not at a terminal says nothing of how far it is.
 *
 * @param work ends when its signal does
 * @throws ExecutorError REGISTRY_FAILED after such a silence, IMAGE_TOO_LARGE; what `work` throws
 */
export async function whileGrowing<T>(directory: string, { silenceMs, maxBytes, onBytes, signal }: Growth, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const verdict = new AbortController();
  const over = new AbortController();
  const watch = async () => {
    // Counted in looks: a machine that slept, or was busy with other things, has not waited.
    let [last, looks] = [0, 0];
    for (;;) {
      await delay(PULL_LOOK_MS, undefined, { signal: over.signal });
      const bytes = await treeBytes(directory);
      looks = bytes === last ? looks + 1 : 0;
      if (looks === 0) onBytes(last = bytes);
      if (bytes > maxBytes) return verdict.abort(new ExecutorError('IMAGE_TOO_LARGE', 'more comes than the image has', { details: `more than ${formatBytes(maxBytes)}` }));
      if (looks * PULL_LOOK_MS > silenceMs) return verdict.abort(new ExecutorError('REGISTRY_FAILED', 'the registry stopped in the middle', { details: `nothing came for ${silenceMs} ms`, hint: 'try again' }));
    }
  };
  const watching = watch().catch(() => undefined);
  try {
    return await work(anySignal(verdict.signal, signal));
  } catch (error) {
    throw verdict.signal.aborted && !signal?.aborted ? verdict.signal.reason : error;
  } finally {
    over.abort();
    await watching;
  }
}
