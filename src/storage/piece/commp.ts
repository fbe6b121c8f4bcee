import { CID } from 'multiformats/cid';
import { create as createDigest } from 'multiformats/hashes/digest';
import { StorageError } from '../errors.ts';
import { fr32Pad, PADDED_UNIT_BYTES, UNPADDED_UNIT_BYTES } from './fr32.ts';
import { sha256Pairs } from './sha256-pairs.ts';

/** `fil-commitment-unsealed` and `sha2-256-trunc254-padded` of the multicodec table. */
const COMMITMENT_UNSEALED = 0xf101;
const SHA2_256_TRUNC254_PADDED = 0x1012;
/** Smallest piece the protocol knows, bytes of data. */
const MIN_PIECE_BYTES = 65;
/** Units padded and hashed at a time: 128 KiB of nodes, which stay in the processor's cache. */
const UNITS_AT_ONCE = 1024;
const NODE_BYTES = 32;

export interface PieceInfo {
  /** Piece CID (v1): `baga6ea4seaq…`. */
  cid: CID;
  /** Size of the padded piece, bytes: a power of two. */
  paddedBytes: number;
}

/**
 * The commitment to a piece: data, padded with zeros to a power of two of fr32 units, as a binary Merkle tree of SHA-256 with two bits
 * cleared (Filecoin specification, "Piece"). Memory stays flat.
 *
 * @throws StorageError PIECE_INVALID for less than 65 bytes; the signal's reason
 */
export async function commP(content: AsyncIterable<Uint8Array> | Iterable<Uint8Array>, { signal }: { signal?: AbortSignal } = {}): Promise<PieceInfo> {
  const tree = new Tree();
  const input = new Uint8Array(UNITS_AT_ONCE * UNPADDED_UNIT_BYTES);
  let filled = 0;
  let total = 0;
  for await (const chunk of content) {
    signal?.throwIfAborted();
    for (let at = 0; at < chunk.length;) {
      const part = chunk.subarray(at, at + input.length - filled);
      input.set(part, filled);
      filled += part.length;
      at += part.length;
      if (filled < input.length) continue;
      tree.addUnits(input);
      filled = 0;
    }
    total += chunk.length;
  }
  if (total < MIN_PIECE_BYTES) throw new StorageError('PIECE_INVALID', 'too small for a piece', { details: `${total} bytes, at least ${MIN_PIECE_BYTES}` });
  const units = Math.ceil(filled / UNPADDED_UNIT_BYTES);
  input.fill(0, filled);
  if (units > 0) tree.addUnits(input.subarray(0, units * UNPADDED_UNIT_BYTES));
  const { root, height } = tree.finish();
  return { cid: CID.createV1(COMMITMENT_UNSEALED, createDigest(SHA2_256_TRUNC254_PADDED, root)), paddedBytes: NODE_BYTES * 2 ** height };
}

/** Whether a CID is of a piece, version 1. */
export function isPieceCid(cid: CID): boolean {
  return cid.code === COMMITMENT_UNSEALED && cid.multihash.code === SHA2_256_TRUNC254_PADDED && cid.multihash.digest.length === NODE_BYTES;
}

/** A Merkle tree made from the left; at each height at most one node waits for its neighbour. */
class Tree {
  readonly #waiting: (Uint8Array | undefined)[] = [];
  readonly #nodes = new Uint8Array(UNITS_AT_ONCE * PADDED_UNIT_BYTES);

  /** At most `UNITS_AT_ONCE` units of 127 bytes. */
  addUnits(data: Uint8Array): void {
    const units = data.length / UNPADDED_UNIT_BYTES;
    fr32Pad(data, this.#nodes);
    // The largest aligned subtrees first: a full batch is one.
    for (let at = 0, left = units; left > 0;) {
      const size = 2 ** Math.floor(Math.log2(left));
      this.#addSubtree(this.#nodes.subarray(at * PADDED_UNIT_BYTES, (at + size) * PADDED_UNIT_BYTES));
      at += size;
      left -= size;
    }
  }

  #addSubtree(nodes: Uint8Array): void {
    let height = 0;
    for (let bytes = nodes.length; bytes > NODE_BYTES; bytes /= 2, height++) sha256Pairs(nodes, bytes);
    this.#add(nodes.slice(0, NODE_BYTES), height);
  }

  #add(node: Uint8Array, height: number): void {
    let joined = node;
    let at = height;
    for (let left = this.#waiting[at]; left !== undefined; left = this.#waiting[at]) {
      this.#waiting[at++] = undefined;
      joined = join(left, joined);
    }
    this.#waiting[at] = joined;
  }

  /** Fills up with zeros to a power of two. */
  finish(): { root: Uint8Array; height: number } {
    let zero: Uint8Array = new Uint8Array(NODE_BYTES);
    for (let height = 0; ; height++, zero = join(zero, zero)) {
      const node = this.#waiting[height];
      if (node === undefined) continue;
      if (this.#waiting.findIndex((other, i) => i > height && other !== undefined) < 0) return { root: node, height };
      this.#waiting[height] = undefined;
      this.#add(join(node, zero), height + 1);
    }
  }
}

function join(left: Uint8Array, right: Uint8Array): Uint8Array {
  const pair = new Uint8Array(2 * NODE_BYTES);
  pair.set(left);
  pair.set(right, NODE_BYTES);
  sha256Pairs(pair);
  return pair.slice(0, NODE_BYTES);
}
