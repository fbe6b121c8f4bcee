import { createHash, timingSafeEqual } from 'node:crypto';
import { closeSync, fstatSync, linkSync, openSync, readSync, rmSync, statSync } from 'node:fs';
import { parentPort } from 'node:worker_threads';
import { MAX_BLOCK_BYTES } from '../constants.ts';

/** What is to be done with files, each of which holds one block. */
export type BlockFilesOrder = { number: number; paths: string[] } & (
  /** Whether they are what these SHA-256 digests say, 32 bytes each. */
  | { kind: 'verify'; digests: Uint8Array }
  | { kind: 'measure' }
  /** Gives each a second name. */
  | { kind: 'link'; targets: string[] }
  | { kind: 'remove' }
);

/** Of each file its bytes; -1 where it is not there, not right, or could not be dealt with. */
export interface BlockFilesOutcome { number: number; bytes: Int32Array<ArrayBuffer> }

const DIGEST_BYTES = 32;
let buffer = Buffer.alloc(64 * 1024);

function verify(path: string, digest: Uint8Array): number {
  const file = openSync(path, 'r');
  try {
    const { size } = fstatSync(file);
    if (size > MAX_BLOCK_BYTES) return -1;
    if (size > buffer.length) buffer = Buffer.alloc(MAX_BLOCK_BYTES);
    let length = 0;
    for (let count = -1; count !== 0 && length < size; length += count) count = readSync(file, buffer, length, size - length, length);
    return length === size && timingSafeEqual(createHash('sha256').update(buffer.subarray(0, size)).digest(), digest) ? size : -1;
  } finally {
    closeSync(file);
  }
}

function deal(order: BlockFilesOrder, i: number): number {
  const path = order.paths[i]!;
  if (order.kind === 'verify') return verify(path, order.digests.subarray(DIGEST_BYTES * i, DIGEST_BYTES * (i + 1)));
  const { size } = statSync(path);
  if (order.kind === 'link') linkSync(path, order.targets[i]!);
  else if (order.kind === 'remove') rmSync(path);
  return size;
}

parentPort!.on('message', (order: BlockFilesOrder) => {
  const bytes = Int32Array.from(order.paths, (_path, i) => {
    try {
      return deal(order, i);
    } catch {
      // Whoever asked tries again by itself, and says what is wrong.
      return -1;
    }
  });
  parentPort!.postMessage({ number: order.number, bytes } satisfies BlockFilesOutcome, [bytes.buffer] as ArrayBuffer[]);
});
