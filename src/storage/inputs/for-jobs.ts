import type { BigIntStats } from 'node:fs';

/** A file that everybody may read, as jobs must, which run as nobody. */
export function isFileForJobs(stats: Pick<BigIntStats, 'isFile' | 'mode'>): boolean {
  return stats.isFile() && (stats.mode & 0o4n) !== 0n;
}

/** A folder that everybody may list and enter. */
export function isFolderForJobs(stats: Pick<BigIntStats, 'isDirectory' | 'mode'>): boolean {
  return stats.isDirectory() && (stats.mode & 0o5n) === 0o5n;
}
