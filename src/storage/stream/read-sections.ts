import { CID } from 'multiformats/cid';
import { isError, messageOf } from '../../protocol/base/errors.ts';
import { MAX_BLOCK_BYTES, MAX_CID_BYTES, MAX_IDENTITY_BYTES } from '../constants.ts';
import { StorageError } from '../errors.ts';
import type { ByteQueue } from './byte-queue.ts';
import { STREAM_BLOCK_TIMEOUT_MS } from './constants.ts';

/** A block as a stream claims it to be: nothing of it is verified. */
export interface ClaimedBlock { cid: CID; bytes: Uint8Array }

/**
 * The sections of a CAR as they come, from the first one on. A section's length is checked before anything of it is kept.
 *
 * @returns true when the stream said that it was whole (a section of length 0, which our own streams end with); false when it merely ended
 * @throws StorageError CAR_INVALID, BLOCK_TOO_LARGE, STREAM_CUT, STALLED; the signal's reason
 */
export async function* readSections(queue: ByteQueue, { blockTimeoutMs = STREAM_BLOCK_TIMEOUT_MS } = {}): AsyncGenerator<ClaimedBlock, boolean> {
  for (;;) {
    const before = queue.waitedMs;
    const length = await queue.varint();
    if (length === undefined) return false;
    if (length === 0) return true;
    if (length > MAX_BLOCK_BYTES + MAX_CID_BYTES) {
      throw new StorageError('BLOCK_TOO_LARGE', 'the block is too large', { details: `a section of ${length} bytes` });
    }
    const section = await queue.take(length);
    if (section === undefined) throw new StorageError('STREAM_CUT', 'the stream was cut off', { details: 'behind a length' });
    if (queue.waitedMs - before > blockTimeoutMs) throw new StorageError('STALLED', 'a block took too long', { details: `more than ${blockTimeoutMs} ms` });
    yield splitSection(section);
  }
}

function splitSection(section: Uint8Array): ClaimedBlock {
  try {
    const [cid, bytes] = CID.decodeFirst(section);
    if (cid.multihash.code === 0 && cid.multihash.digest.length > MAX_IDENTITY_BYTES) {
      throw new StorageError('CAR_INVALID', 'an identity CID is too long', { details: `${cid.multihash.digest.length} bytes, at most ${MAX_IDENTITY_BYTES}` });
    }
    return { cid, bytes };
  } catch (cause) {
    if (isError(cause)) throw cause;
    throw new StorageError('CAR_INVALID', 'a section has no CID', { details: messageOf(cause), cause });
  }
}
