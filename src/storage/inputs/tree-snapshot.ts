import { createHash } from 'node:crypto';
import type { BigIntStats } from 'node:fs';
import { identityOf } from '../shelf/file-identity.ts';
import { sortByByte } from '../sort-by-byte.ts';
import { isFileForJobs } from './for-jobs.ts';

/** Bytes of a SHA-256 digest. */
const DIGEST_BYTES = 32;

/** Digests of one piece of memory: a list that doubled would be there twice while it is copied. */
const PER_PAGE = 1 << 11;

/** What a folder is: names and identities of all that is below it, in whatever order they are noted. Of each a digest is held, 32 bytes. */
export class TreeSnapshot {
  readonly #pages: Buffer[] = [];
  #count = 0;
  #unfit = false;

  /** @param path from the tree's root @param identity of a file (see `identityOf`), nothing of a folder */
  note(path: string, identity = ''): void {
    const at = this.#count++ % PER_PAGE;
    if (at === 0) this.#pages.push(Buffer.alloc(PER_PAGE * DIGEST_BYTES));
    this.#pages.at(-1)!.set(createHash('sha256').update(`${path}\0${identity}`).digest(), at * DIGEST_BYTES);
  }

  /**
   * Notes what was found in the tree; folders are looked into by whoever found them.
   *
   * @returns what it is; `none` for what jobs cannot be given
   */
  take(path: string, stats: BigIntStats): 'folder' | 'file' | 'none' {
    if (stats.isDirectory()) {
      this.note(`${path}/`);
      return 'folder';
    }
    if (!isFileForJobs(stats)) return 'none';
    this.note(path, identityOf(stats));
    return 'file';
  }

  /** There is something in it that jobs cannot be given. */
  spoil(): void {
    this.#unfit = true;
  }

  /** The same for the same files, as hex; undefined for a tree that was spoiled. */
  digest(): string | undefined {
    if (this.#unfit) return undefined;
    const at = (index: number) => {
      const start = index % PER_PAGE * DIGEST_BYTES;
      return this.#pages[Math.floor(index / PER_PAGE)]!.subarray(start, start + DIGEST_BYTES);
    };
    const order = new Uint32Array(this.#count).map((_, i) => i);
    for (const byte of [1, 0]) sortByByte(order, (index) => at(index)[byte]!);
    const hash = createHash('sha256');
    for (let from = 0, to = 0; from < order.length; from = to) {
      const first = at(order[from]!).readUInt16BE();
      while (to < order.length && at(order[to]!).readUInt16BE() === first) to++;
      for (const index of order.subarray(from, to).sort((a, b) => Buffer.compare(at(a), at(b)))) hash.update(at(index));
    }
    return hash.digest('hex');
  }
}
