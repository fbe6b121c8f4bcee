import { createHash } from 'node:crypto';
import type { BigIntStats } from 'node:fs';
import { identityOf } from '../shelf/file-identity.ts';
import { isFileForJobs } from './for-jobs.ts';

/** Bytes of a SHA-256 digest. */
const DIGEST_BYTES = 32;

/** What a folder is: names and identities of all that is below it, in whatever order they are noted. Of each a digest is held, 32 bytes. */
export class TreeSnapshot {
  #digests = Buffer.alloc(64 * DIGEST_BYTES);
  #count = 0;
  #unfit = false;

  /** @param path from the tree's root @param identity of a file (see `identityOf`), nothing of a folder */
  note(path: string, identity = ''): void {
    const start = this.#count++ * DIGEST_BYTES;
    if (start === this.#digests.length) this.#digests = Buffer.concat([this.#digests], 2 * start);
    this.#digests.set(createHash('sha256').update(`${path}\0${identity}`).digest(), start);
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
    const digests = this.#digests;
    const at = (index: number) => digests.subarray(index * DIGEST_BYTES, (index + 1) * DIGEST_BYTES);
    const first = (index: number) => digests.readUInt32BE(index * DIGEST_BYTES);
    const order = Uint32Array.from({ length: this.#count }, (_, i) => i).sort((a, b) => first(a) - first(b) || Buffer.compare(at(a), at(b)));
    const hash = createHash('sha256');
    for (const index of order) hash.update(at(index));
    return hash.digest('hex');
  }
}
