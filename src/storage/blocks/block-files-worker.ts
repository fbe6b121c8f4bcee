import { createHash, timingSafeEqual } from 'node:crypto';
import { closeSync, constants, fstatSync, linkSync, openSync, readSync, rmSync, statSync } from 'node:fs';
import { parentPort } from 'node:worker_threads';
import { MAX_BLOCK_BYTES } from '../constants.ts';
import { identityOf } from '../shelf/file-identity.ts';

/** What is to be done with files, each of which holds one block. */
export type BlockFilesOrder = { number: number; paths: string[] } & (
  /** Whether they are what these SHA-256 digests say, 32 bytes each. */
  | { kind: 'verify'; digests: Uint8Array }
  | { kind: 'measure' }
  /** The same, and what is in them: all of a file, or where `places` says, of a file that is still what it was (see `identityOf`). */
  | { kind: 'read'; digests: Uint8Array; places?: { offset: number; length: number; identity: string }[] }
  /** Gives each a second name. */
  | { kind: 'link'; targets: string[] }
  | { kind: 'remove' }
);

/** Of each file its bytes; -1 where it is not there, not right, or could not be dealt with. What was read, one behind the other. */
export interface BlockFilesOutcome { number: number; bytes: Int32Array<ArrayBuffer>; contents: Uint8Array<ArrayBuffer> }

const DIGEST_BYTES = 32;
let buffer = Buffer.alloc(64 * 1024);

/** What is in the buffer is the block when this is not -1. */
function verify(path: string, digest: Uint8Array, place?: { offset: number; length: number; identity: string }): number {
  // A file of others may have become a pipe, or a link.
  const file = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  try {
    const stats = fstatSync(file, { bigint: true });
    if (!stats.isFile() || (place !== undefined && identityOf(stats) !== place.identity)) return -1;
    const { offset, length: size } = place ?? { offset: 0, length: Number(stats.size) };
    if (size > MAX_BLOCK_BYTES) return -1;
    if (size > buffer.length) buffer = Buffer.alloc(MAX_BLOCK_BYTES);
    let length = 0;
    for (let count = -1; count !== 0 && length < size; length += count) count = readSync(file, buffer, length, size - length, offset + length);
    return length === size && timingSafeEqual(createHash('sha256').update(buffer.subarray(0, size)).digest(), digest) ? size : -1;
  } finally {
    closeSync(file);
  }
}

function deal(order: BlockFilesOrder, i: number): number {
  const path = order.paths[i]!;
  if (order.kind === 'verify' || order.kind === 'read') {
    return verify(path, order.digests.subarray(DIGEST_BYTES * i, DIGEST_BYTES * (i + 1)), order.kind === 'read' ? order.places?.[i] : undefined);
  }
  const { size } = statSync(path);
  if (order.kind === 'link') linkSync(path, order.targets[i]!);
  else if (order.kind === 'remove') rmSync(path);
  return size;
}

parentPort!.on('message', (order: BlockFilesOrder) => {
  const read: Buffer[] = [];
  const bytes = Int32Array.from(order.paths, (_path, i) => {
    try {
      const count = deal(order, i);
      if (order.kind === 'read' && count > 0) read.push(Buffer.from(buffer.subarray(0, count)));
      return count;
    } catch {
      // Whoever asked tries again by itself, and says what is wrong.
      return -1;
    }
  });
  const contents = new Uint8Array(Buffer.concat(read));
  parentPort!.postMessage({ number: order.number, bytes, contents } satisfies BlockFilesOutcome, [bytes.buffer, contents.buffer]);
});
