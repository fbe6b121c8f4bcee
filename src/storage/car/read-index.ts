import { create as createDigest, type Digest } from 'multiformats/hashes/digest';
import { CAR_INDEX_PROBES, MAX_CAR_INDEX_BYTES, MAX_CID_BYTES } from '../constants.ts';
import { StorageError } from '../errors.ts';
import type { ByteReader } from '../shelf/byte-reader.ts';
import type { CarHeader } from './read-header.ts';
import { readSectionHead } from './scan-car.ts';
import { readVarint } from './varint.ts';

/** Where a section begins, from the payload's start. */
export interface IndexedSection { multihash: Digest<number, number>; offset: number }

const INDEX_SORTED = 0x0400;
const MULTIHASH_INDEX_SORTED = 0x0401;
const SHA2_256 = 0x12;

/**
 * The entries of a CARv2's index, `IndexSorted` or `MultihashIndexSorted`. The first has no hash functions: its digests of 32 bytes are
 * taken for SHA2-256. Some sections are looked at before anything is yielded.
 *
 * @throws StorageError CAR_INVALID when the index is of another kind, damaged, or not of this CAR
 */
export async function readCarIndex({ payload, index }: CarHeader & { index: ByteReader }): Promise<IndexedSection[]> {
  if (index.size > MAX_CAR_INDEX_BYTES) throw invalid(`${index.size} bytes`);
  const bytes = await index.read(0, index.size);
  const codec = readVarint(bytes, 0);
  if (codec === undefined || (codec.value !== INDEX_SORTED && codec.value !== MULTIHASH_INDEX_SORTED)) throw invalid('its kind is not known');
  const cursor = new Cursor(bytes, codec.next);
  const sections: IndexedSection[] = [];
  if (codec.value === INDEX_SORTED) readWidths(cursor, SHA2_256, payload.size, sections);
  else for (let codes = cursor.u32(); codes > 0; codes--) readWidths(cursor, cursor.u64(), payload.size, sections);
  sections.sort((a, b) => a.offset - b.offset);

  const step = Math.max(1, Math.floor(sections.length / CAR_INDEX_PROBES));
  for (let i = 0; i < sections.length; i += step) {
    const { multihash, offset } = sections[i]!;
    const head = readSectionHead(await payload.read(offset, MAX_CID_BYTES + 10), offset);
    if (head?.cid === undefined || Buffer.compare(head.cid.multihash.bytes, multihash.bytes) !== 0) throw invalid(`another block is at ${offset}`);
  }
  return sections;
}

/** Buckets of records of one width: a digest, and a little-endian offset of 8 bytes. */
function readWidths(cursor: Cursor, code: number, payloadBytes: number, sections: IndexedSection[]): void {
  for (let buckets = cursor.u32(); buckets > 0; buckets--) {
    const width = cursor.u32();
    const length = cursor.u64();
    if (width <= 8 || width > MAX_CID_BYTES || length % width !== 0) throw invalid(`records of ${width} bytes in ${length}`);
    for (let left = length / width; left > 0; left--) {
      const digest = cursor.take(width - 8);
      const offset = cursor.u64();
      if (offset >= payloadBytes) throw invalid(`a block at ${offset} of ${payloadBytes} bytes`);
      sections.push({ multihash: createDigest(code, digest), offset });
    }
  }
}

class Cursor {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  #at: number;

  constructor(bytes: Uint8Array, at: number) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    this.#at = at;
  }

  u32(): number {
    return this.#view.getUint32(this.#step(4), true);
  }

  u64(): number {
    return Number(this.#view.getBigUint64(this.#step(8), true));
  }

  take(length: number): Uint8Array {
    const at = this.#step(length);
    return this.#bytes.slice(at, at + length);
  }

  #step(length: number): number {
    const at = this.#at;
    if (at + length > this.#bytes.length) throw invalid('it is truncated');
    this.#at += length;
    return at;
  }
}

function invalid(why: string): StorageError {
  return new StorageError('CAR_INVALID', 'the CAR\'s index is of no use', { details: why });
}
