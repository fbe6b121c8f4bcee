import type { FileHandle } from 'node:fs/promises';

const READ_BYTES = 1 << 20;

/** The bytes of an open file: a small one at once, since a stream of each of many would cost more memory than their bytes. */
export async function readContent(handle: FileHandle, size: number, signal: AbortSignal | undefined): Promise<Uint8Array | AsyncIterable<Uint8Array>> {
  signal?.throwIfAborted();
  if (size <= READ_BYTES) return new Uint8Array(await handle.readFile());
  return handle.createReadStream({ start: 0, highWaterMark: READ_BYTES, autoClose: false, signal });
}
