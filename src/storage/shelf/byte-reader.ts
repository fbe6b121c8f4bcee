import { constants } from 'node:fs';
import { open } from 'node:fs/promises';
import { StorageError } from '../errors.ts';
import { identityOf } from './file-identity.ts';

/** Bytes that can be read anywhere: a file, or what is inside one. */
export interface ByteReader {
  size: number;
  /** At most `length` bytes from `offset`; fewer at the end. */
  read(offset: number, length: number): Promise<Uint8Array>;
}

export interface OpenFile extends ByteReader {
  identity: string;
  close(): Promise<void>;
}

/** Opens a regular file for reading. @throws StorageError NOT_A_FILE; what the file system says */
export async function openFile(path: string): Promise<OpenFile> {
  // A file may have been swapped for a pipe: opening one waits for its writer, and holds one of the four threads that all files are opened by.
  const handle = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    const stats = await handle.stat({ bigint: true });
    if (!stats.isFile()) throw new StorageError('NOT_A_FILE', 'this is not a file', { details: path });
    const size = Number(stats.size);
    return {
      size,
      identity: identityOf(stats),
      async read(offset, length) {
        const bytes = new Uint8Array(Math.max(0, Math.min(length, size - offset)));
        let done = 0;
        while (done < bytes.length) {
          const { bytesRead } = await handle.read(bytes, done, bytes.length - done, offset + done);
          if (bytesRead === 0) break;
          done += bytesRead;
        }
        return bytes.subarray(0, done);
      },
      close: () => handle.close(),
    };
  } catch (error) {
    await handle.close();
    throw error;
  }
}

/** A part of other bytes. */
export function slice(reader: ByteReader, start: number, size: number): ByteReader {
  return { size, read: (offset, length) => reader.read(start + offset, Math.max(0, Math.min(length, size - offset))) };
}
