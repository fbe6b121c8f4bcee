import * as cborg from 'cborg';
import { CID } from 'multiformats/cid';
import { messageOf } from '../../protocol/base/errors.ts';
import { MAX_CAR_HEADER_BYTES } from '../constants.ts';
import { StorageError } from '../errors.ts';
import { slice, type ByteReader } from '../shelf/byte-reader.ts';
import { readVarint } from './varint.ts';

/** What a CAR says of itself. */
export interface CarHeader {
  version: 1 | 2;
  roots: CID[];
  /** The CARv1 inside: the whole of a CARv1, the data payload of a CARv2. */
  payload: ByteReader;
  /** Where the payload begins in the file. */
  payloadStart: number;
  /** Where the first section begins, from the payload's start. */
  sectionsStart: number;
  /** The CARv2's own index. */
  index?: ByteReader;
}

/** Bytes 11 to 50 of a CARv2: characteristics, data offset, data size, index offset; little-endian (ipld.io/specs/transport/car/carv2). */
export const V2_PRAGMA_BYTES = 11;
export const V2_HEADER_BYTES = 40;

/** Reads the head of a CARv1 or CARv2. @throws StorageError CAR_INVALID */
export async function readCarHeader(reader: ByteReader): Promise<CarHeader> {
  const outer = await readV1Header(reader);
  if (outer.version === 1) return { version: 1, roots: outer.roots, payload: reader, payloadStart: 0, sectionsStart: outer.end };
  if (outer.version !== 2 || outer.end !== V2_PRAGMA_BYTES) throw invalid(`version ${String(outer.version)}`);
  const head = await reader.read(V2_PRAGMA_BYTES, V2_HEADER_BYTES);
  if (head.length < V2_HEADER_BYTES) throw invalid('it ends within its header');
  const { start, size, index } = decodeV2Header(head);
  if (start > reader.size) throw invalid(`its data begins at ${start} of ${reader.size} bytes`);
  if (size > reader.size - start) throw invalid(`it claims ${size} bytes of data, and has ${reader.size - start}`);
  if (index !== 0 && (index < start + size || index >= reader.size)) throw invalid(`its index begins at ${index} of ${reader.size} bytes`);
  const payload = slice(reader, start, size);
  const inner = await readV1Header(payload);
  if (inner.version !== 1) throw invalid(`there is a version ${String(inner.version)} inside`);
  return {
    version: 2, roots: inner.roots, payload, payloadStart: start, sectionsStart: inner.end,
    ...(index === 0 ? {} : { index: slice(reader, index, reader.size - index) }),
  };
}

/** Where data and index of a CARv2 are, by its 40 bytes behind the pragma. @throws StorageError CAR_INVALID */
export function decodeV2Header(head: Uint8Array): { start: number; size: number; index: number } {
  const view = new DataView(head.buffer, head.byteOffset, head.length);
  const [start, size, index] = [16, 24, 32].map((at) => Number(view.getBigUint64(at, true))) as [number, number, number];
  if (start < V2_PRAGMA_BYTES + V2_HEADER_BYTES) throw invalid(`its data begins at ${start}`);
  return { start, size, index };
}

async function readV1Header(reader: ByteReader): Promise<V1Header & { end: number }> {
  const length = readVarint(await reader.read(0, 10), 0);
  if (length === undefined || length.value === 0) throw invalid('there is no header');
  if (length.value > MAX_CAR_HEADER_BYTES) throw invalid(`a header of ${length.value} bytes`);
  const bytes = await reader.read(length.next, length.value);
  if (bytes.length < length.value) throw invalid('it ends within its header');
  return { ...decodeV1Header(bytes), end: length.next + length.value };
}

/** The version is whatever CBOR has, which may be a symbol. */
export interface V1Header { version: unknown; roots: CID[] }

/** Decodes what a CAR begins with, behind its length. @throws StorageError CAR_INVALID */
export function decodeV1Header(bytes: Uint8Array): V1Header {
  let header: unknown;
  try {
    header = cborg.decode(bytes, { tags, rejectDuplicateMapKeys: true, useMaps: false });
  } catch (cause) {
    throw invalid(messageOf(cause));
  }
  if (header === null || typeof header !== 'object' || !('version' in header)) throw invalid('the header has no version');
  const roots = 'roots' in header ? header.roots : [];
  if (!Array.isArray(roots) || !roots.every((root) => root instanceof CID)) throw invalid('the header\'s roots are not CIDs');
  return { version: header.version, roots };
}

/** DAG-CBOR writes a CID as tag 42 over its bytes behind a zero. */
const tags: cborg.TagDecoder[] = Object.assign([], {
  42: (decode: () => unknown): CID => {
    const bytes = decode();
    if (!(bytes instanceof Uint8Array) || bytes[0] !== 0) throw invalid('a root is not a CID');
    return CID.decode(bytes.subarray(1));
  },
});

function invalid(why: string): StorageError {
  return new StorageError('CAR_INVALID', 'not a valid CAR', { details: why });
}
