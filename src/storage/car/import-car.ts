import type { CID } from 'multiformats/cid';
import { BLOCK_WRITE_CONCURRENCY } from '../constants.ts';
import { StorageError } from '../errors.ts';
import { forEachParallel } from '../parallel.ts';
import { giveBack } from '../stream/buffers.ts';
import { ByteQueue } from '../stream/byte-queue.ts';
import { readSections } from '../stream/read-sections.ts';
import { verifyBlock } from '../blocks/verify.ts';
import { carHeader } from './write-car.ts';

/**
 * Puts the blocks of a CARv1 that comes as a stream into a store, every one of them verified. That none is missing shows when the DAG is read.
 *
 * @param bytes nobody else looks at its chunks
 * @param root the only root it may have
 * @throws StorageError ROOT_DIFFERS, CAR_INVALID, BLOCK_INVALID, BLOCK_TOO_LARGE, STREAM_CUT, STALLED; what the stream throws; the signal's reason
 */
export async function importCar(blocks: { put(cid: CID, bytes: Uint8Array): Promise<unknown> }, bytes: AsyncIterable<Uint8Array>, root: CID, { signal }: { signal: AbortSignal }): Promise<void> {
  const queue = new ByteQueue(bytes, { signal, owned: true });
  try {
    const expected = carHeader(root);
    const header = await queue.take(expected.length);
    if (header === undefined || Buffer.compare(header, expected) !== 0) {
      throw new StorageError('ROOT_DIFFERS', 'the CAR is not of the DAG it should be of', { details: `expected ${root}` });
    }
    await forEachParallel(readSections(queue), BLOCK_WRITE_CONCURRENCY, async (block) => {
      verifyBlock(block.cid, block.bytes);
      await blocks.put(block.cid, block.bytes);
      giveBack(block.bytes);
    });
  } finally {
    queue.stop();
  }
}
