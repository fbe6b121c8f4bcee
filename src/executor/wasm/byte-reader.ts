import { ExecutorError } from '../errors.ts';

/** Reads a WebAssembly binary from front to back, and refuses to read past its end. */
export class ByteReader {
  readonly bytes: Uint8Array;
  readonly end: number;
  at: number;

  constructor(bytes: Uint8Array, at = 0, end = bytes.length) {
    this.bytes = bytes;
    this.at = at;
    this.end = end;
  }

  get done(): boolean {
    return this.at >= this.end;
  }

  byte(): number {
    if (this.at >= this.end) throw malformed(`unexpected end at byte ${this.at}`);
    return this.bytes[this.at++]!;
  }

  /** An unsigned LEB128 number below 2^32. */
  u32(): number {
    let value = 0;
    for (let i = 0; i < 5; i++) {
      const byte = this.byte();
      value += (byte & 0x7f) * 2 ** (7 * i);
      if (byte < 0x80) {
        if (value >= 2 ** 32) break;
        return value;
      }
    }
    throw malformed(`a number too large at byte ${this.at}`);
  }

  /** Passes over a LEB128 number of at most 64 bits, signed or not. */
  skipLeb(): void {
    for (let i = 0; i < 10; i++) if (this.byte() < 0x80) return;
    throw malformed(`a number too long at byte ${this.at}`);
  }

  skip(count: number): void {
    if (count > this.end - this.at) throw malformed(`unexpected end after byte ${this.at}`);
    this.at += count;
  }

  name(): string {
    const length = this.u32();
    const from = this.at;
    this.skip(length);
    return Buffer.from(this.bytes.buffer, this.bytes.byteOffset + from, length).toString('utf8');
  }

  /** A reader of the next `length` bytes, which are passed over here. */
  slice(length: number): ByteReader {
    const from = this.at;
    this.skip(length);
    return new ByteReader(this.bytes, from, this.at);
  }
}

/** The error of bytes that are no module. */
export function malformed(details: string): ExecutorError {
  return new ExecutorError('IMAGE_INVALID', 'the image is not a WebAssembly module', { details });
}
