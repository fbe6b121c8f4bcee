import { MAX_BLOCK_BYTES, MAX_CID_BYTES } from '../constants.ts';
import { MAX_POOLED_BUFFERS, MIN_DROPPED_BYTES, MIN_POOLED_BYTES } from './constants.ts';

const SIZE = MAX_BLOCK_BYTES + MAX_CID_BYTES;
const free: Uint8Array[] = [];
/** What may be given back: a stranger's message may be just as long. */
const ours = new WeakSet<ArrayBufferLike>();

/**
 * Memory for a block on its way. At a hundred blocks a second, the garbage collector would be kept busy by new ones, and would let hundreds of
 * megabytes of them pile up. Whoever got one may give it back; one that is not given back is merely garbage.
 */
export function borrow(length: number): Uint8Array {
  if (length < MIN_POOLED_BYTES || length > SIZE) return new Uint8Array(length);
  const kept = free.pop();
  if (kept !== undefined) return kept.subarray(0, length);
  // Not a Buffer, whose `slice` would not copy.
  const bytes = new Uint8Array(Buffer.allocUnsafeSlow(SIZE).buffer);
  ours.add(bytes.buffer);
  return bytes.subarray(0, length);
}

/** Gives memory back that nobody looks at any more; what was not borrowed is left alone. */
export function giveBack(bytes: Uint8Array): void {
  const { buffer } = bytes;
  if (!ours.has(buffer) || bytes.length < MIN_POOLED_BYTES / 2 || !(buffer instanceof ArrayBuffer)) return;
  // As garbage, four of them would have the collector look through everything.
  if (free.length < MAX_POOLED_BUFFERS) free.push(new Uint8Array(buffer));
  else buffer.transfer(0);
}

/** Frees memory at once that nobody looks at any more, if the bytes have a buffer to themselves. */
export function drop(bytes: Uint8Array<ArrayBuffer>): void {
  if (bytes.length >= MIN_DROPPED_BYTES && bytes.length === bytes.buffer.byteLength) bytes.buffer.transfer(0);
}
