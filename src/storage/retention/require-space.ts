import { statfs } from 'node:fs/promises';
import { formatBytes } from '../../protocol/spec/units.ts';
import { StorageError } from '../errors.ts';

/** Bytes of a file system that this process may still write. */
export async function freeBytes(dir: string): Promise<number> {
  const { bavail, bsize } = await statfs(dir);
  return bavail * bsize;
}

/** Refuses before the disk is full. @throws StorageError DISK_FULL when less than `reserve` would be free after writing `bytes` */
export async function requireSpace(dir: string, bytes: number, reserve: number): Promise<void> {
  const free = await freeBytes(dir);
  if (free - bytes >= reserve) return;
  throw new StorageError('DISK_FULL', 'the disk is nearly full', {
    details: `${formatBytes(free)} are free at ${dir}, ${formatBytes(bytes)} are needed beside the reserve of ${formatBytes(reserve)}`,
    hint: 'gadus data gc removes what no job needs any more',
  });
}
