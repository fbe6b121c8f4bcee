import type { BigIntStats } from 'node:fs';
import type { FileHandle } from 'node:fs/promises';
import type { ImporterOptions, ImportResult, WritableStorage } from 'ipfs-unixfs-importer';
import type { Catalogue } from '../shelf/catalogue.ts';
import { identityOf } from '../shelf/file-identity.ts';
import { importInPlace } from './import-in-place.ts';

/** The shelf of files that are referenced where they lie. */
export const FILES_SHELF = 'files';

export interface ReferenceInit {
  profile: ImporterOptions;
  signal?: AbortSignal | undefined;
  /** Told of each block that was hashed. */
  onBlock(bytes: number): void;
}

/**
 * Imports an open file as UnixFS without storing its bytes: where each leaf lies goes into the catalogue, the nodes above them into
 * the store. The CID is that of a copying import.
 *
 * @throws StorageError FILE_CHANGED when it changes meanwhile
 */
export async function referenceFile(
  { catalogue, store }: { catalogue: Catalogue; store: WritableStorage }, handle: FileHandle, path: string, before: BigIntStats,
  { profile, signal, onBlock }: ReferenceInit,
): Promise<Pick<ImportResult, 'cid' | 'size'>> {
  const entry = await catalogue.add();
  const child = await importInPlace(store, handle, path, before, {
    profile, signal,
    async onLeaf(cid, offset, length) {
      await entry.put(cid, offset, length);
      onBlock(length);
    },
  });
  const file = await entry.commit({ path, identity: identityOf(before), shelf: FILES_SHELF, roots: [child.cid.toString()] });
  // The root of a file of several blocks is no block of the file.
  if (file.blocks !== 1) await catalogue.putWhole(child.cid, path);
  return child;
}
