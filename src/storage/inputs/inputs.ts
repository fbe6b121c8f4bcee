import type { CID } from 'multiformats/cid';
import type { FetchProgress } from '../fetch/fetch-dag.ts';
import type { Catalogue } from '../shelf/catalogue.ts';
import type { Receipt } from '../source.ts';
import { extract } from '../unixfs/extract.ts';
import { FILES_SHELF } from '../unixfs/reference-file.ts';
import type { FileCache } from './file-cache.ts';
import { findInPlace, liesInPlace } from './in-place.ts';
import type { LocalBlocks } from '../blocks/local-blocks.ts';
import { measureLocality, type Locality } from './locality.ts';
import { borrowedBlocks } from '../blocks/read-block.ts';
import type { Retention } from '../retention/retention.ts';

/** Data of a DAG as a path on this machine, read-only, until released. */
export interface Materialised {
  path: string;
  receipt: Receipt;
  /** After the last use: whether the path held still meanwhile. @throws StorageError FILE_CHANGED */
  check(): Promise<void>;
  /** May be called twice. */
  release(): Promise<void>;
}

export interface InputsComponents {
  blocks: LocalBlocks;
  files: FileCache;
  catalogue: Catalogue;
  retention: Retention;
  /** Brings a DAG here. */
  fetch(cid: CID, options: { signal: AbortSignal; onProgress?: (progress: FetchProgress) => void }): Promise<Receipt>;
}

/** Data as jobs get it: paths. What lies on this machine is where it lies; anything else is unpacked once, and kept while there is room. */
export class Inputs {
  readonly #components: InputsComponents;
  readonly #maxBytes: number;

  /** @param maxBytes that a DAG may unpack to, unless it weighs more than that itself */
  constructor(components: InputsComponents, { maxBytes }: { maxBytes: number }) {
    this.#components = components;
    this.#maxBytes = maxBytes;
  }

  /** How much of a DAG is here; asks nobody. */
  async locality(cid: CID, signal: AbortSignal): Promise<Locality> {
    const { catalogue, retention, blocks } = this.#components;
    const holding = await liesInPlace(catalogue, cid) ? await retention.find(cid) : undefined;
    if (holding !== undefined) return { heldBytes: holding.bytes, blocks: holding.blocks, totalBytes: holding.bytes, share: 1 };
    return measureLocality(blocks, cid, { signal });
  }

  /** The DAG's bytes as far as they are known here; undefined when not even its root is. */
  async size(cid: CID, signal: AbortSignal): Promise<number | undefined> {
    const { totalBytes, share } = await this.locality(cid, signal);
    return totalBytes === 0 && share < 1 ? undefined : totalBytes;
  }

  /** The file or directory as a path that stays until it is released. @throws StorageError as `fetch` and `extract` */
  async materialise(cid: CID, { signal, onProgress }: { signal: AbortSignal; onProgress?: (progress: FetchProgress) => void }): Promise<Materialised> {
    const { files, blocks, catalogue, retention, fetch } = this.#components;
    const started = performance.now();
    const served = (source: string, totals: { bytes: number; blocks: number }): Receipt => {
      const ms = Math.round(performance.now() - started);
      return { cid: cid.toString(), ...totals, ms, sources: [{ name: source, local: true, ...totals, ms, errors: [] }] };
    };
    const lying = await findInPlace(catalogue, cid);
    if (lying !== undefined) {
      const { bytes, blocks: count } = await retention.find(cid) ?? await this.#sizeInPlace(cid, signal);
      return { path: lying.path, receipt: served(FILES_SHELF, { bytes, blocks: count }), check: lying.check, release: async () => {} };
    }
    let receipt: Receipt | undefined;
    const unpin = retention.pin(cid);
    try {
      const found = await files.findOrFill(cid, async (path, inner) => {
        receipt = await fetch(cid, { signal: inner, ...(onProgress && { onProgress }) });
        await retention.requireSpace(receipt.bytes);
        const { bytes } = await extract(borrowedBlocks(blocks), cid, path, {
          signal: inner, maxBytes: Math.max(this.#maxBytes, receipt.bytes), fileMode: 0o444, linkBlocks: (leaves, paths) => blocks.linkMany(leaves, paths),
        });
        return { bytes, dagBytes: receipt.bytes, dagBlocks: receipt.blocks };
      }, signal);
      await retention.touch(cid);
      return {
        path: found.path,
        receipt: receipt ?? served('local', { bytes: found.dagBytes, blocks: found.dagBlocks }),
        async check() {},
        async release() {
          if (unpin()) files.unpin(cid);
        },
      };
    } catch (error) {
      unpin();
      throw error;
    }
  }

  async #sizeInPlace(cid: CID, signal: AbortSignal): Promise<{ bytes: number; blocks: number }> {
    const { heldBytes, blocks } = await this.locality(cid, signal);
    return { bytes: heldBytes, blocks };
  }
}
