import { CONTENT_BINS, CONTENT_CHUNK_SHIFT, CONTENT_MAX_CHUNK_BYTES, CONTENT_MIN_CHUNK_BYTES } from '../constants.ts';

/** A bin no chunk fell into; the minima of an empty output are all of this. */
export const NO_CHUNK = 0xffff_ffff;

/** log2 of CONTENT_BINS: this many leading bits of a chunk's hash choose its bin. */
const BIN_BITS = Math.log2(CONTENT_BINS);
/** Random words for the rolling hash, one per byte value. */
const GEAR = Int32Array.from({ length: 256 }, (_, value) => mix(value + 1));

/**
 * What a sequence of bytes contains, whatever the order: MinHash by one permutation (Li, Owen and Zhang, One permutation hashing, 2012)
 * over content-defined chunks of 80 bytes on average (gear hash: Xia et al., FastCDC, 2016). The share of equal minima estimates the
 * Jaccard similarity of two outputs' chunks, with a standard deviation below 1/16: a changed line changes a chunk or two, another
 * input changes nearly all.
 *
 * Feed it with `add` piece by piece; where pieces end makes no difference.
 */
export class ContentMinima {
  readonly #minima = new Uint32Array(CONTENT_BINS).fill(NO_CHUNK);
  #rolling = 0;
  #hash = 0;
  #length = 0;

  add(bytes: Uint8Array): void {
    let rolling = this.#rolling;
    let hash = this.#hash;
    let length = this.#length;
    for (let i = 0; i < bytes.length; i++) {
      const byte = bytes[i]!;
      rolling = (rolling << 1) + GEAR[byte]! | 0;
      hash = Math.imul(hash ^ byte, 0x0100_0193);
      length++;
      if ((rolling >>> CONTENT_CHUNK_SHIFT === 0 && length >= CONTENT_MIN_CHUNK_BYTES) || length === CONTENT_MAX_CHUNK_BYTES) {
        this.#take(hash, length);
        hash = length = 0;
      }
    }
    this.#rolling = rolling;
    this.#hash = hash;
    this.#length = length;
  }

  /** The minima of all that was added; empty bins borrow from the next full one (Shrivastava and Li, Densifying one permutation hashing, 2014). */
  minima(): Uint32Array {
    if (this.#length > 0) this.#take(this.#hash, this.#length);
    this.#length = this.#hash = 0;
    const own = this.#minima;
    return own.map((minimum, bin) => {
      for (let step = 0; step < CONTENT_BINS; step++) {
        const borrowed = own[(bin + step) % CONTENT_BINS]!;
        // Mixed with the distance, so that a value borrowed and one owned differ.
        if (borrowed !== NO_CHUNK) return step === 0 ? minimum : mix(borrowed + step) >>> BIN_BITS;
      }
      return NO_CHUNK;
    });
  }

  #take(hash: number, length: number): void {
    const mixed = mix(hash + length);
    const bin = mixed >>> (32 - BIN_BITS);
    const value = (mixed << BIN_BITS) >>> BIN_BITS;
    if (value < this.#minima[bin]!) this.#minima[bin] = value;
  }
}

/** Share of equal minima of two outputs, an estimate of how much of their content is the same, 0 to 1; 1 for two empty ones. */
export function contentSimilarity(a: Uint32Array, b: Uint32Array): number {
  let equal = 0;
  for (let bin = 0; bin < CONTENT_BINS; bin++) if (a[bin] === b[bin]) equal++;
  return equal / CONTENT_BINS;
}

/** A bijection of 32-bit words in which every bit of the input moves every bit of the output (MurmurHash3's finalizer, Appleby). */
function mix(word: number): number {
  let x = word | 0;
  x = Math.imul(x ^ (x >>> 16), 0x85eb_ca6b);
  x = Math.imul(x ^ (x >>> 13), 0xc2b2_ae35);
  return (x ^ (x >>> 16)) >>> 0;
}
