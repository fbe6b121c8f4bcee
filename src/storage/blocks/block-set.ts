import { randomBytes } from 'node:crypto';
import type { CID } from 'multiformats/cid';
import { blockKey } from '../unixfs/links.ts';

const SHA256 = 0x12;
const DIGEST_BYTES = 32;
/** Digests of one piece of memory: a list that doubled would be there twice while it is copied. */
const PER_PAGE = 1 << 15;
const FIRST_SLOTS = 1 << 6;

/**
 * Blocks that were met, by their hashes (see `blockKey`). A walk of a million blocks remembers all of them: this takes 45 bytes for one, where
 * a set of texts takes more than a hundred and has the garbage collector look at each.
 */
export class BlockSet {
  /** SHA-256 digests in the order of their coming. */
  readonly #pages: Buffer[] = [];
  #count = 0;
  /** An open hash table of numbers of digests, from 1; 0 is empty. */
  #slots = new Uint32Array(FIRST_SLOTS);
  /** Nobody can choose blocks that meet in one slot. */
  readonly #seed = randomBytes(4).readUInt32LE() | 1;
  /** All other hashes, which are rare. */
  readonly #others = new Set<string>();

  get size(): number {
    return this.#count + this.#others.size;
  }

  has(cid: CID): boolean {
    const digest = digestOf(cid);
    return digest === undefined ? this.#others.has(blockKey(cid)) : this.#slots[this.#find(digest)] !== 0;
  }

  /** @returns whether it was not there yet */
  add(cid: CID): boolean {
    const digest = digestOf(cid);
    if (digest === undefined) {
      const { size } = this.#others;
      return this.#others.add(blockKey(cid)).size > size;
    }
    const slot = this.#find(digest);
    if (this.#slots[slot] !== 0) return false;
    const at = this.#count % PER_PAGE;
    if (at === 0) this.#pages.push(Buffer.allocUnsafeSlow(this.#count === 0 ? DIGEST_BYTES * FIRST_SLOTS : DIGEST_BYTES * PER_PAGE));
    const page = this.#pageFor(this.#count);
    page.set(digest, DIGEST_BYTES * at);
    this.#slots[slot] = ++this.#count;
    if (2 * this.#count >= this.#slots.length) this.#grow();
    return true;
  }

  /** The page a digest is written to; the first is small at first: most sets are. */
  #pageFor(index: number): Buffer {
    const number = Math.floor(index / PER_PAGE);
    const page = this.#pages[number]!;
    if (DIGEST_BYTES * (index % PER_PAGE) < page.length) return page;
    return this.#pages[number] = Buffer.concat([page], Math.min(2 * page.length, DIGEST_BYTES * PER_PAGE));
  }

  /** The slot where a digest is, or the empty one where it belongs. */
  #find(digest: Uint8Array): number {
    const mask = this.#slots.length - 1;
    for (let slot = this.#hash(digest, 0) & mask; ; slot = (slot + 1) & mask) {
      const index = this.#slots[slot]!;
      if (index === 0 || this.#equals(index - 1, digest)) return slot;
    }
  }

  #equals(index: number, digest: Uint8Array): boolean {
    const page = this.#pages[Math.floor(index / PER_PAGE)]!;
    const start = DIGEST_BYTES * (index % PER_PAGE);
    for (let i = 0; i < DIGEST_BYTES; i++) if (page[start + i] !== digest[i]) return false;
    return true;
  }

  /** Of the bits of a digest as many as there are slots at most, mixed with the seed. */
  #hash(bytes: Uint8Array, at: number): number {
    let word = (bytes[at]! | bytes[at + 1]! << 8 | bytes[at + 2]! << 16 | bytes[at + 3]! << 24) ^ this.#seed;
    word = Math.imul(word ^ (word >>> 16), this.#seed);
    return (word ^ (word >>> 15)) >>> 0;
  }

  #grow(): void {
    const slots = new Uint32Array(2 * this.#slots.length);
    const mask = slots.length - 1;
    for (let index = 0; index < this.#count; index++) {
      let slot = this.#hash(this.#pages[Math.floor(index / PER_PAGE)]!, DIGEST_BYTES * (index % PER_PAGE)) & mask;
      while (slots[slot] !== 0) slot = (slot + 1) & mask;
      slots[slot] = index + 1;
    }
    this.#slots = slots;
  }
}

function digestOf({ multihash: { code, digest } }: CID): Uint8Array | undefined {
  return code === SHA256 && digest.length === DIGEST_BYTES ? digest : undefined;
}
