import type { CID } from 'multiformats/cid';
import { StorageError } from '../errors.ts';
import { MAX_CACHE_BYTES, RESERVE_BYTES } from '../constants.ts';
import type { Catalogue } from '../shelf/catalogue.ts';
import { collectGarbage, type Collected } from './collect-garbage.ts';
import type { FileCache } from '../inputs/file-cache.ts';
import { Holdings, type Holding } from './holdings.ts';
import { forgetFiles } from '../inputs/in-place.ts';
import type { LocalBlocks } from '../blocks/local-blocks.ts';
import { Pins } from './pins.ts';
import { requireSpace } from './require-space.ts';

export interface RetentionComponents { blocks: LocalBlocks; catalogue: Catalogue; files: FileCache }

export interface RetentionInit {
  /** Bytes that inputs fetched for jobs may keep, and as much again unpacked. */
  maxCacheBytes?: number;
  /** Bytes of the disk that stay free. */
  reserveBytes?: number;
}

/** What is kept here, why and for how long: the list of it, what is in use, and what makes room. */
export class Retention {
  readonly #components: RetentionComponents;
  readonly #maxCacheBytes: number;
  readonly #reserveBytes: number;
  readonly #holdings: Holdings;
  readonly #pins = new Pins();
  /** Additions that are running: a collection waits for them, since what is half added hangs from nothing yet. */
  readonly #adding = new Set<Promise<unknown>>();
  #collecting: Promise<Collected> | undefined;

  constructor(components: RetentionComponents, { maxCacheBytes = MAX_CACHE_BYTES, reserveBytes = RESERVE_BYTES }: RetentionInit = {}) {
    this.#components = components;
    this.#maxCacheBytes = maxCacheBytes;
    this.#reserveBytes = reserveBytes;
    this.#holdings = new Holdings(components.catalogue);
  }

  /** Resolves when nothing is being added or collected any more. */
  async idle(): Promise<void> {
    await Promise.allSettled([...this.#adding, this.#collecting]);
  }

  list(): Promise<Holding[]> {
    return this.#holdings.list();
  }

  find(cid: CID): Promise<Holding | undefined> {
    return this.#holdings.find(cid);
  }

  note(cid: CID, facts: Parameters<Holdings['note']>[1]): Promise<void> {
    return this.#holdings.note(cid, facts);
  }

  touch(cid: CID): Promise<void> {
    return this.#holdings.touch(cid);
  }

  keepUntil(cid: CID, time: number): Promise<void> {
    return this.#holdings.keepUntil(cid, time);
  }

  /** What is pinned stays. @returns takes the pin out; true the first time */
  pin(cid: CID): () => boolean {
    return this.#pins.pin(cid);
  }

  /** Runs an addition, if there is room. @throws StorageError DISK_FULL */
  add<T>(work: () => Promise<T>): Promise<T> {
    return tracked(this.#adding, async () => {
      await this.requireSpace(0);
      return work();
    });
  }

  /** @throws StorageError DISK_FULL when so many bytes more would leave less than the reserve free */
  requireSpace(bytes: number): Promise<void> {
    return requireSpace(this.#components.blocks.path, bytes, this.#reserveBytes);
  }

  /** Stops keeping a DAG; what it references on disk is forgotten, not touched. @throws StorageError NOT_FOUND */
  async remove(cid: CID): Promise<void> {
    const holding = await this.#holdings.find(cid);
    if (holding === undefined) throw new StorageError('NOT_FOUND', 'this is not held here', { details: cid.toString(), hint: 'gadus data ls shows what is' });
    await this.#holdings.remove(cid);
    if (holding.why === 'referenced' && holding.path !== undefined) await forgetFiles(this.#components.catalogue, cid, holding.path);
  }

  /** Removes what is not needed any more; those who ask while it runs share it. */
  async collect(signal: AbortSignal, onProgress?: (removed: Collected) => void): Promise<Collected> {
    const { blocks, files } = this.#components;
    await files.evict({ maxBytes: this.#maxCacheBytes, signal });
    this.#collecting ??= collectGarbage({ blocks, holdings: this.#holdings }, {
      signal, maxFetchedBytes: this.#maxCacheBytes, isPinned: (cid) => this.#pins.has(cid), ...(onProgress && { onProgress }), quiet: () => Promise.allSettled(this.#adding),
    }).finally(() => { this.#collecting = undefined; });
    return this.#collecting;
  }
}

/** Runs work that the set knows of while it lasts. */
export async function tracked<T>(set: Set<Promise<unknown>>, work: () => Promise<T>): Promise<T> {
  const running = work();
  set.add(running);
  try {
    return await running;
  } finally {
    set.delete(running);
  }
}
