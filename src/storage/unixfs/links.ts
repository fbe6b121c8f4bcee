import * as dagPb from '@ipld/dag-pb';
import type { CID } from 'multiformats/cid';
import * as raw from 'multiformats/codecs/raw';
import { messageOf } from '../../protocol/base/errors.ts';
import { StorageError } from '../errors.ts';

/** A link from one block to another. */
export interface Link {
  cid: CID;
  /** What the parent claims the linked DAG weighs, bytes: a claim. */
  claimedBytes: number;
}

/** The links of a block. @throws StorageError DAG_INVALID for a malformed node; FORMAT_UNSUPPORTED for a codec other than raw and dag-pb */
export function linksOf(cid: CID, bytes: Uint8Array): Link[] {
  if (isLeaf(cid)) return [];
  if (cid.code !== dagPb.code) {
    throw new StorageError('FORMAT_UNSUPPORTED', 'the CID is not of a file or directory', {
      details: `${cid}: codec 0x${cid.code.toString(16)}`, hint: 'UnixFS data is dag-pb or raw',
    });
  }
  try {
    return dagPb.decode(bytes).Links.map(({ Hash, Tsize }) => ({ cid: Hash, claimedBytes: Tsize ?? 0 }));
  } catch (cause) {
    throw new StorageError('DAG_INVALID', 'the block is not a valid dag-pb node', { details: `${cid}: ${messageOf(cause)}`, cause });
  }
}

/** True for a block that cannot have links. */
export function isLeaf(cid: CID): boolean {
  return cid.code === raw.code;
}

/** A leaf that is named by its SHA-256. */
export function isHashedLeaf(cid: CID): boolean {
  return isLeaf(cid) && cid.multihash.code === SHA256 && cid.multihash.digest.length === 32;
}

const SHA256 = 0x12;

/** Blocks are the same when their hashes are, whatever codec or CID version names them. */
export function blockKey(cid: Pick<CID, 'multihash'>): string {
  return Buffer.from(cid.multihash.bytes).toString('base64');
}
