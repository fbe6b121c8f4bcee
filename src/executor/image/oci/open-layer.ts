import { createHash } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { open } from 'node:fs/promises';
import { Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGunzip, createZstdDecompress } from 'node:zlib';
import { messageOf } from '../../../protocol/index.ts';
import { ExecutorError, aborted } from '../../errors.ts';
import { unpackFailure } from '../unpack-failure.ts';
import type { LayerFile } from './read-layout.ts';

const GZIP = Buffer.of(0x1f, 0x8b);
const ZSTD = Buffer.of(0x28, 0xb5, 0x2f, 0xfd);
const TAR_BLOCK_BYTES = 512;
/** Read, decompressed and written at a time: with zlib's own 16 KiB it took twice as long. */
const CHUNK_BYTES = 256 * 1024;

/**
 * Writes a layer's tar, decompressed, to a file, and checks the layer against its digest. What compresses well is stopped at `maxBytes`.
 *
 * @throws ExecutorError IMAGE_INVALID, IMAGE_TOO_LARGE; by this machine's fault NO_SPACE, TOOL_FAILED; ABORTED
 */
export async function openLayer(layer: LayerFile, out: string, { maxBytes, signal }: { maxBytes: number; signal?: AbortSignal }): Promise<void> {
  const hash = createHash('sha256');
  const hashing = new Transform({ transform(chunk: Buffer, _encoding, done) { hash.update(chunk); done(null, chunk); } });
  let written = 0;
  const bounded = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      written += chunk.length;
      if (written > maxBytes) done(new ExecutorError('IMAGE_TOO_LARGE', 'the image is too large', { details: `a layer has more than ${maxBytes} bytes` }));
      else done(null, chunk);
    },
    // Some tools (umoci insert) leave the end of the last block out. Where a digest tells that nothing is lost, tar need not say so.
    flush(done) { done(null, layer.digest === undefined ? undefined : Buffer.alloc((TAR_BLOCK_BYTES - (written % TAR_BLOCK_BYTES)) % TAR_BLOCK_BYTES)); },
  });
  const decompress = await decompressor(layer.path);
  try {
    await pipeline([createReadStream(layer.path, { highWaterMark: CHUNK_BYTES }), hashing, ...(decompress ? [decompress] : []), bounded, createWriteStream(out, { mode: 0o600, highWaterMark: CHUNK_BYTES })], signal ? { signal } : {});
  } catch (error) {
    if (signal?.aborted) throw aborted(signal);
    if (error instanceof ExecutorError) throw error;
    if ((error as NodeJS.ErrnoException).syscall !== undefined) throw unpackFailure(messageOf(error), error);
    throw new ExecutorError('IMAGE_INVALID', 'a layer cannot be read', { details: messageOf(error), cause: error });
  }
  const digest = `sha256:${hash.digest('hex')}`;
  if (layer.digest !== undefined && digest !== layer.digest) throw new ExecutorError('IMAGE_INVALID', 'a layer is not what the image says', { details: `${digest} instead of ${layer.digest}` });
}

/** By the first bytes: media types are not always told, and not always true. */
async function decompressor(file: string): Promise<Transform | undefined> {
  const handle = await open(file);
  try {
    const { buffer } = await handle.read(Buffer.alloc(4), 0, 4, 0);
    if (buffer.subarray(0, 2).equals(GZIP)) return createGunzip({ chunkSize: CHUNK_BYTES });
    return buffer.equals(ZSTD) ? createZstdDecompress({ chunkSize: CHUNK_BYTES }) : undefined;
  } finally {
    await handle.close();
  }
}
