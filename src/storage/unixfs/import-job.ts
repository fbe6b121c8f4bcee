import { importFile, type WritableStorage } from 'ipfs-unixfs-importer';
import type { LocalBlocks } from '../blocks/local-blocks.ts';
import type { LeafPlaces } from '../hidden/leaf-places.ts';
import type { TreeSnapshot } from '../inputs/tree-snapshot.ts';
import type { Catalogue } from '../shelf/catalogue.ts';
import type { Child } from './child-list.ts';
import { CHUNK_BYTES, leafOf } from './leaf.ts';
import { PROFILE } from './profile.ts';
import type { SmallFiles } from './small-files.ts';

/** One addition. */
export interface ImportJob {
  store: WritableStorage;
  /** What was left out so far. */
  skipped: number;
  signal: AbortSignal | undefined;
  /** Where files are referenced instead of copied. */
  catalogue: Catalogue | undefined;
  /** Files below were referenced before: those that did not change since are not read again. */
  again: boolean;
  /** The nodes above leaves that are here. */
  blocks: Pick<LocalBlocks, 'readOwn' | 'sweep'> | undefined;
  /** Told of all that is below the folder that is referenced, as it was read. */
  snapshot: TreeSnapshot | undefined;
  /** Told where the leaves of larger files lie, which are not stored then. */
  places: LeafPlaces | undefined;
  smallFiles: SmallFiles;
  /** Told of each block that was made. */
  onBlock(bytes: number): void;
}

/** Adds the contents of a file. */
export async function addContent({ store }: ImportJob, content: Uint8Array | AsyncIterable<Uint8Array>): Promise<Child> {
  if (content instanceof Uint8Array && content.length <= CHUNK_BYTES) {
    const leaf = leafOf(content);
    await store.put(leaf.cid, content);
    return leaf;
  }
  return importFile({ content }, store, { ...PROFILE });
}
