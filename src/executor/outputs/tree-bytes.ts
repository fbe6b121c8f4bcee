import { lstat, readdir } from 'node:fs/promises';
import path from 'node:path';

/** Bytes of all files below a directory, each in whole blocks; with blocks of one byte, their lengths. What goes while it is looked at counts nothing. */
export async function treeBytes(directory: string, { blockBytes = 1 }: { blockBytes?: number } = {}): Promise<number> {
  const entries = await readdir(directory, { recursive: true, withFileTypes: true }).catch(() => []);
  const sizes = await Promise.all(entries.map((entry) => (
    entry.isFile() ? lstat(path.join(entry.parentPath, entry.name)).then(({ size }) => Math.ceil(size / blockBytes) * blockBytes, () => 0) : Promise.resolve(blockBytes > 1 ? blockBytes : 0))));
  return sizes.reduce((sum, size) => sum + size, 0);
}
