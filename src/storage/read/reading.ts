import type { ReadableStorage } from 'ipfs-unixfs-exporter';
import type { CID } from 'multiformats/cid';
import { createCascade } from '../fetch/cascade.ts';
import type { Shared, StorageComponents } from '../components.ts';
import { StorageError } from '../errors.ts';
import { borrowedBlocks } from '../blocks/read-block.ts';
import { fileContent } from '../unixfs/file-content.ts';
import { findEntry, listDirectory, type ListedEntry } from '../unixfs/list-directory.ts';
import { openEntry } from '../unixfs/open-entry.ts';
import { readInOrder } from '../unixfs/read-in-order.ts';
import { identityBlock } from '../blocks/verify.ts';

export interface ReadOptions { signal?: AbortSignal; offset?: number; length?: number }

/** What reads parts of DAGs through the cascade; see `Storage`, which says what each does. */
export class Reading {
  readonly #components: Pick<StorageComponents, 'blocks'>;
  readonly #shared: Pick<Shared, 'sources' | 'suspects' | 'until'>;

  constructor(components: Pick<StorageComponents, 'blocks'>, shared: Pick<Shared, 'sources' | 'suspects' | 'until'>) {
    this.#components = components;
    this.#shared = shared;
  }

  async* cat(cid: CID, { signal, ...range }: ReadOptions): AsyncGenerator<Uint8Array> {
    const until = this.#shared.until(signal);
    const reader = this.#reader(until);
    const entry = await openEntry(reader, cid, until);
    if (entry.type === 'directory' || entry.type === 'object') throw new StorageError('NOT_A_FILE', 'this is not a file', { details: cid.toString() });
    yield* fileContent(reader, entry, { signal: until, ...range });
  }

  /** The bytes of a file that was fetched a moment ago, not verified once more; what came is of no meaning any more once the next is asked for. */
  async* catFetched(cid: CID, signal: AbortSignal): AsyncGenerator<Uint8Array> {
    const store = borrowedBlocks(this.#components.blocks);
    const entry = await openEntry(store, cid, signal);
    if (entry.type === 'directory' || entry.type === 'object') throw new StorageError('NOT_A_FILE', 'this is not a file', { details: cid.toString() });
    yield* fileContent(store, entry, { signal, borrowed: true });
  }

  inOrder(cids: Iterable<CID>, { signal, ...range }: ReadOptions): AsyncGenerator<Uint8Array> {
    const until = this.#shared.until(signal);
    const { blocks } = this.#components;
    return readInOrder(this.#reader(until, this.#shared.sources.filter(({ local }) => local)), cids, { signal: until, ...range, sizeOf: (leaf) => blocks.sizeOf(leaf) });
  }

  ls(cid: CID, signal: AbortSignal | undefined): Promise<ListedEntry[]> {
    const until = this.#shared.until(signal);
    return listDirectory(this.#reader(until), cid, until);
  }

  entry(cid: CID, name: string, signal: AbortSignal | undefined): Promise<CID> {
    const until = this.#shared.until(signal);
    return findEntry(this.#reader(until), cid, name, until);
  }

  /** Blocks through the cascade, kept as they come. */
  #reader(signal: AbortSignal, sources = this.#shared.sources): ReadableStorage {
    const cascade = createCascade(sources, { suspects: this.#shared.suspects });
    const { blocks } = this.#components;
    return {
      async* get(cid) {
        const inline = identityBlock(cid);
        if (inline !== undefined) return yield inline;
        const { bytes, source } = await cascade.read(cid, { signal });
        if (source.local !== true) await blocks.put(cid, bytes);
        yield bytes;
      },
    };
  }
}
