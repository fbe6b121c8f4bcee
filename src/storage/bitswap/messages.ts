import { CID } from 'multiformats/cid';
import { messageOf } from '../../protocol/base/errors.ts';
import { writeVarint } from '../car/varint.ts';
import { StorageError } from '../errors.ts';
import { MAX_WANTED_CID_BYTES } from './constants.ts';

/** One line of a wantlist. */
export interface WantEntry {
  cid: CID;
  cancel: boolean;
  /** Whether the question is only whether it is there. */
  have: boolean;
  /** Whether a no is wanted, too. */
  sendDontHave: boolean;
}

/** What one message tells: blocks as their CIDs' prefixes and bytes. */
export interface Answer { blocks: readonly { cid: CID; bytes: Uint8Array }[]; presences: readonly { cid: CID; has: boolean }[] }

/** Of the protobuf message in https://specs.ipfs.tech/bitswap-protocol/, number and wire type in one. */
export const FIELD = {
  wantlist: tag(1), blocksOfVersion1: tag(2), payload: tag(3), presence: tag(4), pendingBytes: 5 << 3,
  entries: tag(1), full: 2 << 3,
  entryCid: tag(1), priority: 2 << 3, cancel: 3 << 3, wantType: 4 << 3, sendDontHave: 5 << 3,
  prefix: tag(1), data: tag(2), presenceCid: tag(1), presenceType: 2 << 3,
} as const;

/** A message of wants, with its length before it. */
export function encodeWants(entries: readonly WantEntry[]): Uint8Array {
  const list = entries.map(({ cid, cancel, have, sendDontHave }) => field(FIELD.entries, Buffer.concat([
    // All alike: there is no order that a peer should keep. A priority of 0 would be left out.
    field(FIELD.entryCid, cid.bytes), Uint8Array.of(FIELD.priority, 1), ...(cancel ? [Uint8Array.of(FIELD.cancel, 1)] : []),
    ...(have ? [Uint8Array.of(FIELD.wantType, 1)] : []), ...(sendDontHave ? [Uint8Array.of(FIELD.sendDontHave, 1)] : []),
  ])));
  return framed([field(FIELD.wantlist, Buffer.concat(list))])[0]!;
}

/** A message of answers, with its length before it, in pieces: blocks are not copied. */
export function encodeAnswer({ blocks, presences }: Answer): Uint8Array[] {
  return framed([
    ...blocks.flatMap(({ cid, bytes }) => {
      const prefix = field(FIELD.prefix, prefixOf(cid));
      const head = Buffer.concat([prefix, Uint8Array.of(FIELD.data), writeVarint(bytes.length)]);
      return [Buffer.concat([Uint8Array.of(FIELD.payload), writeVarint(head.length + bytes.length), head]), bytes];
    }),
    ...presences.map(({ cid, has }) => field(FIELD.presence, Buffer.concat([field(FIELD.presenceCid, cid.bytes), ...(has ? [] : [Uint8Array.of(FIELD.presenceType, 1)])]))),
  ]);
}

/** A whole wantlist, or as much of one as was kept: what the end cuts off is passed over. @throws StorageError PROTOCOL_BROKEN */
export function decodeWantlist(bytes: Uint8Array): { entries: WantEntry[]; full: boolean } {
  const entries: WantEntry[] = [];
  let full = false;
  for (const [name, value] of fieldsOf(bytes, { cut: true })) {
    if (name === FIELD.full) full = value !== 0;
    if (name !== FIELD.entries || typeof value === 'number') continue;
    const entry = new Map(fieldsOf(value));
    const isSet = (key: number) => (entry.get(key) ?? 0) !== 0;
    entries.push({ cid: cidOf(entry.get(FIELD.entryCid)), cancel: isSet(FIELD.cancel), have: isSet(FIELD.wantType), sendDontHave: isSet(FIELD.sendDontHave) });
  }
  return { entries, full };
}

/** @throws StorageError PROTOCOL_BROKEN */
export function decodePresence(bytes: Uint8Array): { cid: CID; has: boolean } {
  const presence = new Map(fieldsOf(bytes));
  return { cid: cidOf(presence.get(FIELD.presenceCid)), has: (presence.get(FIELD.presenceType) ?? 0) === 0 };
}

/** The function of a block's hash, from the head of its CID: version, codec, function, length. @throws StorageError PROTOCOL_BROKEN */
export function decodePrefix(bytes: Uint8Array): number {
  try {
    const codec = varint(bytes, varint(bytes, 0).next);
    return varint(bytes, codec.next).value;
  } catch (cause) {
    throw broken('no head of a CID where one must be', cause);
  }
}

export function broken(details: string, cause?: unknown): StorageError {
  return new StorageError('PROTOCOL_BROKEN', 'the peer does not keep to the protocol', { details, ...(cause !== undefined && { cause }) });
}

function* fieldsOf(bytes: Uint8Array, { cut = false } = {}): Generator<[number, number | Uint8Array]> {
  for (let at = 0; at < bytes.length;) {
    try {
      const { value: name, next: head } = varint(bytes, at);
      const { value, next } = varint(bytes, head);
      const wire = name & 7;
      if (wire === 0) {
        at = next;
        yield [name, value];
        continue;
      }
      if (wire !== 2) throw broken(`a field of wire type ${wire}`);
      at = next + value;
      if (at > bytes.length) throw new RangeError('cut off');
      yield [name, bytes.subarray(next, at)];
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
      if (cut) return;
      throw broken('a field is cut off', error);
    }
  }
}

/** At most 10 bytes, as protobuf has it for negative numbers. @throws RangeError when the bytes end before it does; StorageError PROTOCOL_BROKEN */
function varint(bytes: Uint8Array, offset: number): { value: number; next: number } {
  let value = 0;
  for (let i = 0; i < 10; i++) {
    const byte = bytes[offset + i];
    if (byte === undefined) throw new RangeError('cut off');
    value += (byte & 0x7f) * 2 ** (7 * i);
    if (byte < 0x80) return { value, next: offset + i + 1 };
  }
  throw broken('a number without end');
}

function cidOf(bytes: number | Uint8Array | undefined): CID {
  if (!(bytes instanceof Uint8Array) || bytes.length > MAX_WANTED_CID_BYTES) throw broken('no CID where one must be');
  try {
    // A want is kept, and must not keep the whole message.
    return CID.decode(new Uint8Array(bytes));
  } catch (cause) {
    throw broken(`no CID where one must be: ${messageOf(cause)}`, cause);
  }
}

/** Of version 0 as well: who takes the block hashes it, and needs the function. */
function prefixOf({ version, code, multihash }: CID): Uint8Array {
  return Buffer.concat([version, code, multihash.code, multihash.digest.length].map(writeVarint));
}

function tag(number: number): number {
  return (number << 3) | 2;
}

function field(name: number, bytes: Uint8Array): Uint8Array {
  return Buffer.concat([Uint8Array.of(name), writeVarint(bytes.length), bytes]);
}

/** Small pieces are joined. */
function framed(pieces: readonly Uint8Array[]): Uint8Array[] {
  const length = pieces.reduce((sum, piece) => sum + piece.length, 0);
  const joined: Uint8Array[] = [];
  let small: Uint8Array[] = [writeVarint(length)];
  for (const piece of pieces) {
    small.push(piece);
    if (piece.length < 16 * 1024) continue;
    small.pop();
    joined.push(Buffer.concat(small), piece);
    small = [];
  }
  if (small.length > 0) joined.push(Buffer.concat(small));
  return joined;
}
