import { lstat, readdir, rm, rmdir } from 'node:fs/promises';
import { joinBytes } from '../join-bytes.ts';

/**
 * Removes from what a job left at a place everything that lies there in its image and was not touched: elsewhere the image's files stay below the job's disk, and
 * are no part of what it wrote. Times are compared by the second, as tar has them.
 *
 * @returns whether anything is left
 */
export async function dropUnchanged(written: string | Buffer, image: string | Buffer): Promise<boolean> {
  let left = false;
  for (const name of await readdir(Buffer.from(written as string), { encoding: 'buffer' })) {
    const [path, below] = [joinBytes(written, name), joinBytes(image, name)];
    const [own, other] = await Promise.all([lstat(path), lstat(below).catch(() => undefined)]);
    const seconds = (ms: number) => Math.floor(ms / 1000);
    if (other?.isDirectory() && own.isDirectory()) {
      if (await dropUnchanged(path, below) || seconds(own.mtimeMs) !== seconds(other.mtimeMs)) left = true;
      else await rmdir(path);
    } else if (other !== undefined && (own.mode & 0o170_000) === (other.mode & 0o170_000) && own.size === other.size && seconds(own.mtimeMs) === seconds(other.mtimeMs)) {
      await rm(path);
    } else left = true;
  }
  return left;
}
