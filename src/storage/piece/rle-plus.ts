import { StorageError } from '../errors.ts';

/** Bits that are set, from `start` up to but not including `end`. */
export interface Run { start: number; end: number }

/**
 * Decodes RLE+, version 0: after two bits of version and the first run's value come run lengths, values alternating. A run is `1` (of
 * one bit), `01` and four bits of length, or `00` and a varint; all from the least significant bit (Filecoin specification, "RLE+
 * Bitset Encoding").
 *
 * @returns the runs of set bits
 * @throws StorageError SECTOR_INVALID
 */
export function decodeRlePlus(bytes: Uint8Array): Run[] {
  const bits = new Bits(bytes);
  if (bits.take(2) !== 0) throw invalid('its version is not known');
  let set = bits.take(1) === 1;
  const runs: Run[] = [];
  let at = 0;
  while (bits.left > 0) {
    const length = bits.take(1) === 1 ? 1 : bits.take(1) === 1 ? bits.take(4) : bits.varint();
    // The bits that fill up the last byte read as a long run of none.
    if (length === 0) break;
    const end = at + length;
    if (end > Number.MAX_SAFE_INTEGER) throw invalid('a run is too long');
    if (set) runs.push({ start: at, end });
    at = end;
    set = !set;
  }
  return runs;
}

/** The reverse: runs in order, apart from one another. */
export function encodeRlePlus(runs: readonly Run[]): Uint8Array {
  const bits: number[] = [0, 0, runs[0]?.start === 0 ? 1 : 0];
  const put = (value: number, count: number) => {
    for (let i = 0; i < count; i++) bits.push(Math.floor(value / 2 ** i) % 2);
  };
  const putRun = (length: number) => {
    if (length === 0) return;
    if (length === 1) return put(1, 1);
    if (length < 16) {
      put(2, 2);
      return put(length, 4);
    }
    put(0, 2);
    let rest = length;
    for (; rest >= 0x80; rest = Math.floor(rest / 128)) put((rest % 128) + 128, 8);
    put(rest, 8);
  };
  let at = 0;
  for (const { start, end } of runs) {
    putRun(start - at);
    putRun(end - start);
    at = end;
  }
  const bytes = new Uint8Array(Math.ceil(bits.length / 8));
  bits.forEach((bit, i) => { bytes[i >> 3]! |= bit << (i & 7); });
  return bytes;
}

class Bits {
  readonly #bytes: Uint8Array;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  get left(): number {
    return this.#bytes.length * 8 - this.#at;
  }

  /** The next bits, the first the least significant; what lies beyond the end is zero. */
  take(count: number): number {
    let value = 0;
    for (let i = 0; i < count; i++, this.#at++) value |= (((this.#bytes[this.#at >> 3] ?? 0) >> (this.#at & 7)) & 1) << i;
    return value;
  }

  varint(): number {
    let value = 0;
    for (let factor = 1; ; factor *= 128) {
      const byte = this.take(8);
      value += (byte & 0x7f) * factor;
      if (byte < 0x80) return value;
      if (factor > 2 ** 49) throw invalid('a run is too long');
    }
  }
}

function invalid(why: string): StorageError {
  return new StorageError('SECTOR_INVALID', 'the allocation bitmap is damaged', { details: why });
}
