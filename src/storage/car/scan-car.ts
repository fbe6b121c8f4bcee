import { CID } from 'multiformats/cid';
import { messageOf } from '../../protocol/base/errors.ts';
import { CAR_WINDOW_BYTES, MAX_BLOCK_BYTES, MAX_CID_BYTES, MAX_IDENTITY_BYTES } from '../constants.ts';
import { StorageError } from '../errors.ts';
import type { ByteReader } from '../shelf/byte-reader.ts';
import { readVarint } from './varint.ts';

/** A block in a CAR: its bytes lie at `offset` of the payload. */
export interface CarSection { cid: CID; offset: number; length: number }

export interface ScanCarInit {
  signal?: AbortSignal;
  /** Told of each section that is left out, and why. */
  onSkip?: (why: string) => void;
}

/**
 * The sections of a CARv1 from `start`, without reading the blocks: only their heads, and what lies between heads that are near one
 * another. Blocks are not verified here; whoever reads one does that. Zeros end a CAR, as padding does in a piece.
 *
 * Sections that no block can be in (too large, an identity CID over the limit) are left out and told of.
 *
 * @returns where the last section ends
 * @throws StorageError CAR_INVALID at what cannot be a section; the sections before it have been yielded
 */
export async function* scanCar(payload: ByteReader, start: number, { signal, onSkip = () => {} }: ScanCarInit = {}): AsyncGenerator<CarSection, number> {
  let at = start;
  let window: Uint8Array = new Uint8Array();
  let windowStart = 0;
  while (at < payload.size) {
    signal?.throwIfAborted();
    const wanted = Math.min(MAX_CID_BYTES + 10, payload.size - at);
    if (at < windowStart || at + wanted > windowStart + window.length) {
      window = await payload.read(at, CAR_WINDOW_BYTES);
      windowStart = at;
      if (window.length === 0) throw invalid(at, 'it is truncated');
    }
    const head = readSectionHead(window.subarray(at - windowStart), at);
    if (head === undefined) return at;
    const { cid, blockOffset, end } = head;
    if (end > payload.size) throw invalid(at, `a section of ${end - at} bytes where ${payload.size - at} are left: it is truncated`);
    const length = end - blockOffset;
    if (cid === undefined) onSkip(`at ${at}: ${head.skipped}`);
    else if (length > MAX_BLOCK_BYTES) onSkip(`at ${at}: a block of ${length} bytes`);
    else yield { cid, offset: blockOffset, length };
    at = end;
  }
  return at;
}

interface SectionHead { cid: CID | undefined; skipped?: string; blockOffset: number; end: number }

/**
 * Reads the length and CID a section begins with. Undefined for zeros, which are padding.
 *
 * @param at where `bytes` begin, for the offsets that are returned
 * @throws StorageError CAR_INVALID
 */
export function readSectionHead(bytes: Uint8Array, at: number): SectionHead | undefined {
  const length = readVarint(bytes, 0);
  if (length === undefined) throw invalid(at, 'it ends within a length');
  if (length.value === 0) return undefined;
  const end = at + length.next + length.value;
  const section = bytes.subarray(length.next, length.next + Math.min(length.value, MAX_CID_BYTES));
  try {
    const [cid, rest] = CID.decodeFirst(section);
    const blockOffset = at + length.next + section.length - rest.length;
    if (cid.multihash.code === 0 && cid.multihash.digest.length > MAX_IDENTITY_BYTES) {
      return { cid: undefined, skipped: `an identity CID of ${cid.multihash.digest.length} bytes`, blockOffset, end };
    }
    return { cid, blockOffset, end };
  } catch (cause) {
    if (isLongIdentity(section)) return { cid: undefined, skipped: 'an identity CID over the limit', blockOffset: at + length.next, end };
    throw invalid(at, messageOf(cause));
  }
}

/** A CIDv1 whose multihash is an identity too long for the bytes at hand. */
function isLongIdentity(section: Uint8Array): boolean {
  const codec = section[0] === 1 ? readVarint(section, 1) : undefined;
  const hash = codec && readVarint(section, codec.next);
  const digest = hash?.value === 0 ? readVarint(section, hash.next) : undefined;
  return digest !== undefined && digest.value > MAX_IDENTITY_BYTES;
}

function invalid(at: number, why: string): StorageError {
  return new StorageError('CAR_INVALID', 'the CAR is damaged', { details: `at ${at}: ${why}` });
}
