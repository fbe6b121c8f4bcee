import { createHash, timingSafeEqual } from 'node:crypto';
import type { CID } from 'multiformats/cid';
import { MAX_BLOCK_BYTES, MAX_IDENTITY_BYTES } from '../constants.ts';
import { StorageError } from '../errors.ts';

const IDENTITY = 0x00;
const HASHES: Record<number, string> = { 0x12: 'sha256', 0x13: 'sha512' };

/** The block inside an identity CID. @throws StorageError BLOCK_TOO_LARGE above the limit of the UnixFS specification */
export function identityBlock(cid: CID): Uint8Array | undefined {
  const { code, digest } = cid.multihash;
  if (code !== IDENTITY) return undefined;
  if (digest.length <= MAX_IDENTITY_BYTES) return digest;
  throw new StorageError('BLOCK_TOO_LARGE', 'the identity CID is too long', { details: `${digest.length} bytes, at most ${MAX_IDENTITY_BYTES}` });
}

/** Checks that bytes are the block a CID names. @throws StorageError BLOCK_INVALID, BLOCK_TOO_LARGE, FORMAT_UNSUPPORTED */
export function verifyBlock(cid: CID, bytes: Uint8Array): void {
  if (bytes.length > MAX_BLOCK_BYTES) {
    throw new StorageError('BLOCK_TOO_LARGE', 'the block is too large', { details: `${cid}: ${bytes.length} bytes, at most ${MAX_BLOCK_BYTES}` });
  }
  const { digest } = cid.multihash;
  if (!equal(cid.multihash.code === IDENTITY ? bytes : createHash(hashOf(cid)).update(bytes).digest(), digest)) {
    throw new StorageError('BLOCK_INVALID', 'the bytes are not those the CID names', { details: cid.toString() });
  }
}

/** What Node calls a hash function; undefined for one that blocks cannot be verified with. */
export function hashName(code: number): string | undefined {
  return HASHES[code];
}

/** @throws StorageError FORMAT_UNSUPPORTED for a hash function blocks cannot be verified with */
export function hashOf(cid: CID): string {
  const name = hashName(cid.multihash.code);
  if (name !== undefined) return name;
  throw new StorageError('FORMAT_UNSUPPORTED', 'the CID uses a hash function that is not supported', {
    details: `${cid}: 0x${cid.multihash.code.toString(16)}`, hint: 'sha2-256 and sha2-512 are',
  });
}

function equal(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && timingSafeEqual(a, b);
}
