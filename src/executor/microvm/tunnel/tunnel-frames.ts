import { encodeFrame } from '../wire.ts';

/** Frames of a tunnel, both ways but OPEN, which is the guest's alone. */
export const OPEN = 1;
export const BYTES = 2;
export const CREDIT = 3;
export const END = 4;
export const RESET = 5;

/** A frame of a tunnel: that of the main channel, whose payload begins with the stream's number (u32). */
export function tunnelFrame(type: number, stream: number, rest: Uint8Array = new Uint8Array(0)): Buffer {
  const number = Buffer.alloc(4);
  number.writeUInt32BE(stream);
  return encodeFrame(type, Buffer.concat([number, rest]));
}

/** Bytes that the other side may send on. */
export function creditFrame(stream: number, bytes: number): Buffer {
  const count = Buffer.alloc(4);
  count.writeUInt32BE(bytes);
  return tunnelFrame(CREDIT, stream, count);
}
