import type { CID } from 'multiformats/cid';
import { isError } from '../../protocol/base/errors.ts';
import { MAX_CAR_HEADER_BYTES } from '../constants.ts';
import { StorageError } from '../errors.ts';
import { ByteQueue } from '../stream/byte-queue.ts';
import { readSections, type ClaimedBlock } from '../stream/read-sections.ts';
import { decodeV1Header, decodeV2Header, V2_HEADER_BYTES, V2_PRAGMA_BYTES, type V1Header } from './read-header.ts';

/** A CAR that comes from its beginning on: nothing of it is verified. */
export interface CarStream { roots: CID[]; blocks: AsyncIterable<ClaimedBlock> }

/**
 * Reads the head of a CAR of version 1 or 2 as it comes; of version 2 the index is not looked at. However slowly it comes, it is waited for.
 *
 * @throws StorageError CAR_INVALID, STREAM_CUT, and while the blocks are read BLOCK_TOO_LARGE too; what the stream throws; the signal's reason
 */
export async function openCarStream(queue: ByteQueue, { signal }: { signal: AbortSignal }): Promise<CarStream> {
  const outer = await takeV1Header(queue);
  if (outer.version === 1) return { roots: outer.roots, blocks: readSections(queue, { blockTimeoutMs: Infinity }) };
  if (outer.version !== 2 || outer.length !== V2_PRAGMA_BYTES - 1) throw invalid(`version ${String(outer.version)}`);
  const { start, size } = decodeV2Header(await whole(queue.take(V2_HEADER_BYTES)));
  await queue.pass(start - V2_PRAGMA_BYTES - V2_HEADER_BYTES);
  const payload = new ByteQueue(exactly(queue.rest(), size), { signal, stallMs: Infinity });
  const inner = await takeV1Header(payload);
  if (inner.version !== 1) throw invalid(`there is a version ${String(inner.version)} inside`);
  return { roots: inner.roots, blocks: readSections(payload, { blockTimeoutMs: Infinity }) };
}

async function takeV1Header(queue: ByteQueue): Promise<V1Header & { length: number }> {
  const length = await whole(queue.varint());
  if (length === 0) throw invalid('there is no header');
  if (length > MAX_CAR_HEADER_BYTES) throw invalid(`a header of ${length} bytes`);
  const bytes = await whole(queue.take(length));
  return { ...decodeV1Header(bytes), length };
}

/** What is shorter than a header is no CAR. */
async function whole<T>(taking: Promise<T | undefined>): Promise<T> {
  const taken = await taking.catch((error: unknown) => {
    if (!isError(error, 'STREAM_CUT')) throw error;
  });
  if (taken === undefined) throw invalid('it ends within its header');
  return taken;
}

async function* exactly(bytes: AsyncIterable<Uint8Array>, size: number): AsyncGenerator<Uint8Array> {
  let left = size;
  if (left === 0) return;
  for await (const chunk of bytes) {
    yield chunk.subarray(0, left);
    left -= Math.min(left, chunk.length);
    if (left === 0) return;
  }
  throw new StorageError('STREAM_CUT', 'the stream was cut off', { details: `${left} of ${size} bytes did not come` });
}

function invalid(why: string): StorageError {
  return new StorageError('CAR_INVALID', 'not a valid CAR', { details: why });
}
