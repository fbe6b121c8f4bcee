import { randomUUID } from 'node:crypto';
import { chmod, lstat, readdir, rename, rm, rmdir, unlink } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { KILL_PASS_MS, TOOL_TIMEOUT_MS } from '../constants.ts';
import { ExecutorError } from '../errors.ts';
import { joinBytes } from '../join-bytes.ts';

/** Tries of a removal that somebody else is at, too: a dead node's keeper, and the node that starts in its place. */
const TRIES = 20;

/**
 * Removes a file or a directory, however deep: a job can nest directories until no system call takes the path any more. Does nothing where nothing is; somebody else may be at it, too.
 *
 * @throws ExecutorError SCRATCH_FAILED; what the file system says
 */
export async function removeTree(target: string | Buffer): Promise<void> {
  try {
    await rm(target, { recursive: true, force: true, maxRetries: TRIES, retryDelay: KILL_PASS_MS });
  } catch (error) {
    if (!['ENAMETOOLONG', 'ENOTEMPTY'].includes((error as NodeJS.ErrnoException).code ?? '')) throw error;
    await removeLevelByLevel(Buffer.from(target));
  }
}

/** Directories come up to the top one after another, so that every path stays short; each with all that is below it, by a rename. */
async function removeLevelByLevel(top: Buffer): Promise<void> {
  const waiting: Buffer[] = [];
  const empty = async (directory: Buffer) => {
    for (const name of await unlessGone(readdir(directory, { encoding: 'buffer' })) ?? []) {
      const at = joinBytes(directory, name);
      const stat = await unlessGone(lstat(at));
      if (stat?.isDirectory() === false) await unlessGone(unlink(at));
      if (stat?.isDirectory() !== true) continue;
      if (directory === top) {
        waiting.push(at);
        continue;
      }
      // Without root a directory that may not be written to does not move.
      await unlessGone(chmod(at, 0o700));
      const up = joinBytes(top, Buffer.from(randomUUID()));
      await unlessGone(rename(at, up));
      waiting.push(up);
    }
  };
  for (const end = performance.now() + TOOL_TIMEOUT_MS; ; await delay(KILL_PASS_MS)) {
    await empty(top);
    for (let next; (next = waiting.pop()) !== undefined;) {
      await empty(next);
      await unlessFilled(unlessGone(rmdir(next)));
    }
    if (await unlessFilled(unlessGone(rmdir(top)).then(() => true))) return;
    if (performance.now() > end) throw new ExecutorError('SCRATCH_FAILED', 'a directory cannot be removed: somebody fills it', { details: top.toString() });
  }
}

/** Undefined where there is something again: who else is at it brings directories up, too. */
const unlessFilled = <T>(work: Promise<T>) => unless('ENOTEMPTY', work);
/** What somebody else has removed meanwhile is as good as removed. */
const unlessGone = <T>(work: Promise<T>) => unless('ENOENT', work);

async function unless<T>(code: string, work: Promise<T>): Promise<T | undefined> {
  try {
    return await work;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === code) return undefined;
    throw error;
  }
}
