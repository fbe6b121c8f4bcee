/** An unsigned number below 2^32 as LEB128: https://webassembly.github.io/spec/core/binary/values.html#integers */
export function leb128(value: number): number[] {
  const bytes: number[] = [];
  for (let left = value; ; left = Math.floor(left / 128)) {
    if (left < 128) return [...bytes, left];
    bytes.push((left % 128) | 0x80);
  }
}

/** A number from 0 to 2^32 as signed LEB128. */
export function signedLeb128(value: number): number[] {
  const bytes = leb128(value);
  const last = bytes.at(-1)!;
  return last < 0x40 ? bytes : [...bytes.slice(0, -1), last | 0x80, 0];
}
