import { constants, existsSync } from 'node:fs';
import { open, type FileHandle } from 'node:fs/promises';

/** A folder that was opened: what is in it is reached by `at`, whatever becomes of its path meanwhile. */
export interface OpenFolder { handle: FileHandle; at: string }

const OPEN_FILES = '/proc/self/fd';

/**
 * Opens a folder, never by way of a link in its last part. Where there is Linux's /proc, what is in it is reached through the open folder itself, so that nobody can
 * swap it for a link to elsewhere between two calls.
 *
 * @throws what the file system says: ELOOP or ENOTDIR for a link
 */
export async function openFolder(path: string): Promise<OpenFolder> {
  const handle = await open(path, constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW);
  return { handle, at: existsSync(OPEN_FILES) ? `${OPEN_FILES}/${handle.fd}` : path };
}
