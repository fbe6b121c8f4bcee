import { createReadStream } from 'node:fs';
import { CONTENT_BINS } from '../../src/evidence/constants.ts';
import { contentSimilarity } from '../../src/evidence/fingerprint/content-minima.ts';

/** Longer runs of bytes without white space are cut: a binary output has no words. */
const MAX_WORD_BYTES = 64;
const EMPTY = 0xffff_ffff;

/**
 * Minima of the set of words of an output, whatever their order and number: MinHash by one permutation, as of chunks (content-minima.ts), over what
 * stands between white space. Time stamps change a few words and every line; the order of a hash table changes no word.
 */
export class WordMinima {
  readonly #minima = new Uint32Array(CONTENT_BINS).fill(EMPTY);
  #hash = 0;
  #length = 0;

  add(bytes: Uint8Array): void {
    for (const byte of bytes) {
      const white = byte === 32 || (byte >= 9 && byte <= 13);
      if (!white) {
        this.#hash = Math.imul(this.#hash ^ byte, 0x0100_0193);
        this.#length++;
      }
      if (this.#length > 0 && (white || this.#length === MAX_WORD_BYTES)) this.#take();
    }
  }

  minima(): Uint32Array {
    if (this.#length > 0) this.#take();
    return this.#minima.slice();
  }

  #take(): void {
    const mixed = mix(this.#hash + this.#length);
    const bin = mixed % CONTENT_BINS;
    const value = Math.floor(mixed / CONTENT_BINS);
    if (value < this.#minima[bin]!) this.#minima[bin] = value;
    this.#hash = this.#length = 0;
  }
}

/** Minima of the words of some files, one behind the other. */
export async function wordMinima(files: readonly string[]): Promise<Uint32Array> {
  const minima = new WordMinima();
  for (const file of files) for await (const chunk of createReadStream(file)) minima.add(chunk as Uint8Array);
  return minima.minima();
}

/** Share of words that two outputs have in common, 0 to 1; bins that are empty in both say nothing. */
export function wordSimilarity(a: Uint32Array, b: Uint32Array): number {
  const empty = a.reduce((count, value, bin) => count + Number(value === EMPTY && b[bin] === EMPTY), 0);
  return empty === CONTENT_BINS ? 1 : (contentSimilarity(a, b) * CONTENT_BINS - empty) / (CONTENT_BINS - empty);
}

/** MurmurHash3's finalizer (Appleby). */
function mix(word: number): number {
  let x = word | 0;
  x = Math.imul(x ^ (x >>> 16), 0x85eb_ca6b);
  x = Math.imul(x ^ (x >>> 13), 0xc2b2_ae35);
  return (x ^ (x >>> 16)) >>> 0;
}
