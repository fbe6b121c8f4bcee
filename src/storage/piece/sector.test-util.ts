import { PADDED_UNIT_BYTES, fr32Pad, UNPADDED_UNIT_BYTES } from './fr32.ts';
import { encodeRlePlus, type Run } from './rle-plus.ts';

/** An unsealed sector file: pieces at padded offsets, and which bytes are said to be there. */
export function sectorOf(paddedBytes: number, pieces: readonly { at: number; data: Uint8Array }[], allocated: readonly Run[]): Uint8Array {
  const sector = Buffer.alloc(paddedBytes);
  for (const { at, data } of pieces) {
    const whole = Buffer.alloc(Math.ceil(data.length / UNPADDED_UNIT_BYTES) * UNPADDED_UNIT_BYTES);
    whole.set(data);
    sector.set(fr32Pad(whole), at);
    if (at % PADDED_UNIT_BYTES !== 0) throw new RangeError('a piece begins at a unit');
  }
  const bitmap = encodeRlePlus(allocated);
  const length = Buffer.alloc(4);
  length.writeUInt32LE(bitmap.length);
  return Buffer.concat([sector, bitmap, length]);
}
