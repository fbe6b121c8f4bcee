import { createHash } from 'node:crypto';
import type { Address, Hex } from 'viem';
import { bytesToHex, encodeAbiParameters, hexToBigInt, keccak256, slice } from 'viem/utils';
import { POSSESSION_CHUNK_BYTES, POSSESSION_PICKS } from '../constants.ts';
import { zeroHash } from '../base/words.ts';

type Bytes = AsyncIterable<Uint8Array> | Iterable<Uint8Array>;

/** Root of a possession tree and the bytes under it; zero and 0 for no bytes. */
export interface PossessionRoot { dataRoot: Hex; dataBytes: bigint }

/** Chunks with what leads from each to the root, from its leaf up. */
export interface PossessionProofs extends PossessionRoot { chunks: Uint8Array[]; proofs: Hex[][] }

/**
 * Root of the possession tree over a stream: cut into chunks of 2,048 bytes (the last may be shorter), leaf = sha256(0x00 || chunk), inner =
 * sha256(0x01 || left || right), complete, padded with zero leaves to the next power of two. For a job the stream is the contents of
 * all files of its inputs, in the spec's order and each input's path order. Keeps one hash a level.
 */
export async function possessionRoot(source: Bytes, options: { signal?: AbortSignal } = {}): Promise<PossessionRoot> {
  return build(source, () => {}, () => {}, options.signal);
}

/** Chunks of a stream by number, as often as they are asked for, each with its proof. @throws RangeError for a chunk that is not there */
export async function possessionProofs(source: Bytes, indices: readonly number[], options: { signal?: AbortSignal } = {}): Promise<PossessionProofs> {
  const wanted = new Set(indices);
  const siblings = new Set(indices.flatMap((index) => Array.from({ length: 54 }, (_, height) => place(height, ancestor(index, height) + (ancestor(index, height) % 2 === 0 ? 1 : -1)))));
  const chunks = new Map<number, Uint8Array>();
  const hashes = new Map<string, Uint8Array>();
  const root = await build(
    source,
    (index, chunk) => { if (wanted.has(index)) chunks.set(index, chunk); },
    (height, position, hash) => { if (siblings.has(place(height, position))) hashes.set(place(height, position), hash); },
    options.signal,
  );
  const height = heightOf(possessionChunks(root.dataBytes));
  const zeros = zeroHashes(height);
  return {
    ...root,
    chunks: indices.map((index) => {
      const chunk = chunks.get(index);
      if (chunk === undefined) throw new RangeError(`there is no chunk ${index} in ${root.dataBytes} bytes`);
      return chunk;
    }),
    proofs: indices.map((index) => Array.from({ length: height }, (_, h) => {
      const own = ancestor(index, h);
      return bytesToHex(hashes.get(place(h, own % 2 === 0 ? own + 1 : own - 1)) ?? zeros[h]!);
    })),
  };
}

/** How many chunks so many bytes have. */
export function possessionChunks(dataBytes: bigint): number {
  return Number((dataBytes + BigInt(POSSESSION_CHUNK_BYTES) - 1n) / BigInt(POSSESSION_CHUNK_BYTES));
}

/** Numbers of the chunks that a seed picks: uint256(keccak256(abi.encode(seed, i))) % chunks for i = 0 to 7; the same one may come twice. */
export function possessionPicks(seed: Hex, dataBytes: bigint): number[] {
  const chunks = BigInt(possessionChunks(dataBytes));
  if (chunks === 0n) throw new RangeError('there is nothing to pick from');
  return Array.from({ length: POSSESSION_PICKS }, (_, i) =>
    Number(hexToBigInt(keccak256(encodeAbiParameters([{ type: 'bytes32' }, { type: 'uint256' }], [seed, BigInt(i)]))) % chunks));
}

/** What a bid says of the picked chunks, in order: bytes16(keccak256(abi.encode(keccak256(chunks), node))), no other node's. */
export function possessionOf(chunks: readonly Uint8Array[], node: Address): Hex {
  const raw = keccak256(Buffer.concat(chunks));
  return slice(keccak256(encodeAbiParameters([{ type: 'bytes32' }, { type: 'address' }], [raw, node])), 0, 16);
}

/** The share of the input that counts in the draw, basis points: nothing without a claim, or where nothing can be claimed. */
export function countedLocality({ dataRoot }: { dataRoot: Hex }, { locality, possession }: { locality: number; possession: Hex }): number {
  return hexToBigInt(possession) === 0n || dataRoot === zeroHash ? 0 : locality;
}

async function build(
  source: Bytes, onChunk: (index: number, chunk: Uint8Array) => void, onNode: (height: number, position: number, hash: Uint8Array) => void, signal?: AbortSignal,
): Promise<PossessionRoot> {
  /** By height: a left child that waits for its right one. */
  const waiting: (Uint8Array | undefined)[] = [];
  let count = 0;
  let dataBytes = 0n;
  for await (const chunk of chunksOf(source)) {
    signal?.throwIfAborted();
    onChunk(count, chunk);
    dataBytes += BigInt(chunk.length);
    let hash = leafOf(chunk);
    let height = 0;
    onNode(0, count, hash);
    for (; waiting[height] !== undefined; height++) {
      hash = innerOf(waiting[height]!, hash);
      waiting[height] = undefined;
      onNode(height + 1, ancestor(count, height + 1), hash);
    }
    waiting[height] = hash;
    count++;
  }
  if (count === 0) return { dataRoot: zeroHash, dataBytes: 0n };
  const top = heightOf(count);
  const zeros = zeroHashes(top);
  let right: Uint8Array | undefined;
  for (let height = 0; height < top; height++) {
    const left = waiting[height];
    if (left === undefined && right === undefined) continue;
    right = left === undefined ? innerOf(right!, zeros[height]!) : innerOf(left, right ?? zeros[height]!);
    onNode(height + 1, ancestor(count - 1, height + 1), right);
  }
  return { dataRoot: bytesToHex(right ?? waiting[top]!), dataBytes };
}

/** A stream in pieces of 2,048 bytes. */
async function* chunksOf(source: Bytes): AsyncGenerator<Uint8Array> {
  let chunk = new Uint8Array(POSSESSION_CHUNK_BYTES);
  let filled = 0;
  for await (const bytes of source) {
    for (let from = 0; from < bytes.length;) {
      const part = bytes.subarray(from, from + POSSESSION_CHUNK_BYTES - filled);
      chunk.set(part, filled);
      filled += part.length;
      from += part.length;
      if (filled < POSSESSION_CHUNK_BYTES) continue;
      yield chunk;
      [chunk, filled] = [new Uint8Array(POSSESSION_CHUNK_BYTES), 0];
    }
  }
  if (filled > 0) yield chunk.subarray(0, filled);
}

const LEAF = Uint8Array.of(0);
const INNER = Uint8Array.of(1);
const leafOf = (chunk: Uint8Array): Uint8Array => createHash('sha256').update(LEAF).update(chunk).digest();
const innerOf = (left: Uint8Array, right: Uint8Array): Uint8Array => createHash('sha256').update(INNER).update(left).update(right).digest();
// Chunk numbers go beyond 32 bits, where shifts do not.
const ancestor = (index: number, height: number): number => Math.floor(index / 2 ** height);
const place = (height: number, position: number): string => `${height}/${position}`;
const heightOf = (chunks: number): number => (chunks < 2 ? 0 : Math.ceil(Math.log2(chunks)));

/** By height: the root of a subtree of zero leaves. */
function zeroHashes(height: number): Uint8Array[] {
  const hashes: Uint8Array[] = [new Uint8Array(32)];
  while (hashes.length <= height) hashes.push(innerOf(hashes.at(-1)!, hashes.at(-1)!));
  return hashes;
}
