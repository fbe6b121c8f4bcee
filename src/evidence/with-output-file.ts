import { constants, open, type FileHandle } from 'node:fs/promises';
import { messageOf } from '../protocol/base/errors.ts';
import { EvidenceError } from './errors.ts';

/**
 * Opens a regular file of an output for reading and closes it again. Symbolic links are refused, because a job may point one anywhere.
 *
 * @throws EvidenceError OUTPUT_UNREADABLE
 */
export async function withOutputFile<T>(path: string, use: (handle: FileHandle) => Promise<T>): Promise<T> {
  // Without O_NONBLOCK a named pipe would hold `open` until somebody writes to it.
  const handle = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK).catch((cause: unknown) => {
    throw new EvidenceError('OUTPUT_UNREADABLE', 'an output file cannot be read', { details: `${path}: ${messageOf(cause)}`, cause });
  });
  try {
    if (!(await handle.stat()).isFile()) throw new EvidenceError('OUTPUT_UNREADABLE', 'an output is not a regular file', { details: path });
    return await use(handle);
  } finally {
    await handle.close();
  }
}
