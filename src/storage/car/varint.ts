import { StorageError } from '../errors.ts';

/** An unsigned LEB128 number of at most 8 bytes, as multiformats' unsigned-varint; undefined when the bytes end before it does. @throws StorageError CAR_INVALID */
export function readVarint(bytes: Uint8Array, offset: number): { value: number; next: number } | undefined {
  let value = 0;
  let factor = 1;
  for (let i = offset; i < bytes.length; i++) {
    const byte = bytes[i]!;
    value += (byte & 0x7f) * factor;
    if (value > Number.MAX_SAFE_INTEGER || i - offset >= 8) throw new StorageError('CAR_INVALID', 'a length is too large to be one');
    if (byte < 0x80) {
      if (byte === 0 && i > offset) throw new StorageError('CAR_INVALID', 'a length is written longer than it must be');
      return { value, next: i + 1 };
    }
    factor *= 128;
  }
  return undefined;
}

/** The number as unsigned LEB128. */
export function writeVarint(value: number): Uint8Array {
  const bytes: number[] = [];
  let rest = value;
  while (rest >= 0x80) {
    bytes.push((rest % 128) | 0x80);
    rest = Math.floor(rest / 128);
  }
  return Uint8Array.of(...bytes, rest);
}
