import { createHash } from 'node:crypto';
import { CID } from 'multiformats/cid';
import * as raw from 'multiformats/codecs/raw';
import { create as createDigest } from 'multiformats/hashes/digest';

/** Chunks of the profile `unixfs-v1-2025`: a file of no more than that is one raw block, and needs no importer to be cut up. */
export const CHUNK_BYTES = 1 << 20;

/** The raw block of bytes, as a child of a directory or file. */
export function leafOf(bytes: Uint8Array): { cid: CID; size: bigint } {
  return rawLeaf(createHash('sha256').update(bytes).digest(), bytes.length);
}

/** The same of bytes of which only the SHA-256 and the number are at hand. */
export function rawLeaf(digest: Uint8Array, length: number): { cid: CID; size: bigint } {
  return { cid: CID.createV1(raw.code, createDigest(0x12, digest)), size: BigInt(length) };
}
