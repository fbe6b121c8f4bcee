import { close, fstat, open, read } from 'node:fs';
import { promisify } from 'node:util';
import { borrow } from '../stream/buffers.ts';

const [openFd, statFd, readFd, closeFd] = [promisify(open), promisify(fstat), promisify(read), promisify(close)];

/** A whole file in memory that may be given back (`giveBack`); without the file handles of `fs/promises`, which cost more than a block's bytes. @throws what the file system says */
export async function readFileBorrowed(path: string): Promise<Uint8Array> {
  const fd = await openFd(path, 'r');
  try {
    const { size } = await statFd(fd);
    const bytes = borrow(size);
    let done = 0;
    while (done < size) {
      const { bytesRead } = await readFd(fd, bytes, done, size - done, done);
      if (bytesRead === 0) break;
      done += bytesRead;
    }
    return done === size ? bytes : bytes.slice(0, done);
  } finally {
    await closeFd(fd);
  }
}
