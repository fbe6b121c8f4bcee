import type { ReadableStorage } from 'ipfs-unixfs-exporter';
import type { CID } from 'multiformats/cid';
import { StorageError } from '../errors.ts';
import { verifyBlock } from './verify.ts';
import type { LocalBlocks } from './local-blocks.ts';

/** A verified block of a store. @throws StorageError NOT_FOUND, BLOCK_INVALID */
export async function readBlock(blocks: LocalBlocks, cid: CID): Promise<Uint8Array> {
  const bytes = await blocks.read(cid);
  if (bytes === undefined) throw new StorageError('NOT_FOUND', 'a block is missing', { details: cid.toString() });
  verifyBlock(cid, bytes);
  return bytes;
}

/** A store for whoever walks DAGs, every block of it verified. */
export function verifiedBlocks(blocks: LocalBlocks): ReadableStorage {
  return { async* get(cid) { yield await readBlock(blocks, cid); } };
}

/** A store for who was told that its blocks are right, in memory that may be given back. @throws StorageError NOT_FOUND */
export function borrowedBlocks(blocks: LocalBlocks): ReadableStorage {
  return {
    async* get(cid) {
      const bytes = await blocks.read(cid, { borrowed: true });
      if (bytes === undefined) throw new StorageError('NOT_FOUND', 'a block is missing', { details: cid.toString() });
      yield bytes;
    },
  };
}
