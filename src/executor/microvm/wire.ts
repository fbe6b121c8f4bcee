import type { Readable } from 'node:stream';
import { ExecutorError } from '../errors.ts';
import { MAX_GUEST_FRAME_BYTES } from './constants.ts';

/** Frames to the guest. */
export const RUN = 1;
export const GO = 2;
/** Frames from the guest. */
export const HELLO = 1;
export const READY = 2;
export const STDOUT = 3;
export const STDERR = 4;
export const SAMPLE = 5;
export const ENDED = 6;
export const ENTRY = 7;
export const DATA = 8;
export const DONE = 9;
export const FAILED = 10;
export const NOTE = 11;

export interface Frame { type: number; payload: Buffer }

/** A frame: length of what follows (u32), type (u8), payload; big endian. */
export function encodeFrame(type: number, payload: Uint8Array = new Uint8Array(0)): Buffer {
  const header = Buffer.alloc(5);
  header.writeUInt32BE(1 + payload.length);
  header.writeUInt8(type, 4);
  return Buffer.concat([header, payload]);
}

/** A list of byte strings, each behind its length (u32). */
export function encodeStrings(strings: readonly (string | Uint8Array | number)[]): Buffer {
  return Buffer.concat(strings.flatMap((value) => {
    const bytes = typeof value === 'object' ? value : Buffer.from(String(value));
    const length = Buffer.alloc(4);
    length.writeUInt32BE(bytes.length);
    return [length, bytes];
  }));
}

/** @throws ExecutorError GUEST_MISBEHAVED */
export function decodeStrings(payload: Buffer): Buffer[] {
  const strings: Buffer[] = [];
  for (let at = 0; at < payload.length;) {
    const end = at + 4 <= payload.length ? at + 4 + payload.readUInt32BE(at) : Number.POSITIVE_INFINITY;
    if (end > payload.length) throw misbehaved('a list of strings that is cut off');
    strings.push(payload.subarray(at + 4, end));
    at = end;
  }
  return strings;
}

/**
 * The frames of a guest, as they come. A frame that is empty or too long ends everything: the guest is a stranger, and nothing
 * it says makes the host keep more than one frame.
 *
 * @throws ExecutorError GUEST_MISBEHAVED
 */
export async function* readFrames(stream: Readable, maxBytes: number = MAX_GUEST_FRAME_BYTES): AsyncGenerator<Frame, void> {
  let pending: Buffer[] = [];
  let length = 0;
  for await (const chunk of stream as AsyncIterable<Buffer>) {
    pending.push(chunk);
    length += chunk.length;
    while (length >= 5) {
      if (pending[0]!.length < 5) pending = [Buffer.concat(pending)];
      const size = pending[0]!.readUInt32BE();
      if (size < 1 || size > maxBytes) throw misbehaved(`a frame of ${size} bytes`);
      if (length < 4 + size) break;
      const bytes = pending.length === 1 ? pending[0]! : Buffer.concat(pending);
      pending = bytes.length > 4 + size ? [bytes.subarray(4 + size)] : [];
      length -= 4 + size;
      yield { type: bytes[4]!, payload: bytes.subarray(5, 4 + size) };
    }
  }
}

/** The error of a guest that does not keep to the protocol. */
export function misbehaved(details: string): ExecutorError {
  return new ExecutorError('GUEST_MISBEHAVED', 'the guest does not keep to its protocol', { details });
}
