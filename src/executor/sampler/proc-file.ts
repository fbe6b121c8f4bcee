import { closeSync, openSync, readSync } from 'node:fs';

const SHORT_READ_BYTES = 3500;

let buffer = Buffer.allocUnsafe(64 * 1024);

/** The text of the last read: valid until the next one. */
export function procText(): Buffer {
  return buffer;
}

/** Opens a kernel file; -1 when it is not there. */
export function openProc(path: string): number {
  try {
    return openSync(path, 'r');
  } catch {
    return -1;
  }
}

/** Reads an open kernel file from its start into `procText()`. Length, or -1 when the process behind it is gone. */
export function readProc(fd: number): number {
  try {
    return readSync(fd, buffer, 0, buffer.length, 0);
  } catch {
    return -1;
  }
}

/** Opens, reads and closes; for files whose content is fixed at open. A list longer than the buffer is read in pieces. */
export function readProcFresh(path: string): number {
  const fd = openProc(path);
  if (fd < 0) return -1;
  try {
    let length = 0;
    for (;;) {
      const got = readSync(fd, buffer, length, buffer.length - length, null);
      length += got;
      // The kernel fills a page before it returns: a short read is the last one.
      if (got < SHORT_READ_BYTES) return length;
      if (length === buffer.length) buffer = Buffer.concat([buffer, Buffer.allocUnsafe(length)]);
    }
  } catch {
    return -1;
  } finally {
    closeSync(fd);
  }
}

export function closeProc(fd: number): void {
  if (fd >= 0) closeSync(fd);
}
