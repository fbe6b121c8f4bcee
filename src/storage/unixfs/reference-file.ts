import type { BigIntStats } from 'node:fs';
import type { FileHandle } from 'node:fs/promises';
import { importFile, type ImporterOptions, type ImportResult, type WritableStorage } from 'ipfs-unixfs-importer';
import type { CID } from 'multiformats/cid';
import { StorageError } from '../errors.ts';
import type { Catalogue } from '../shelf/catalogue.ts';
import { identityOf } from '../shelf/file-identity.ts';
import { CHUNK_BYTES, leafOf } from './leaf.ts';
import { readContent } from './read-content.ts';

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
  const identity = identityOf(before);
  const known = await catalogue.fileAt(path);
  const entry = await catalogue.add();
  const content = await readContent(handle, Number(before.size), signal);
  const take = async (cid: CID, offset: number, length: number) => {
    await entry.put(cid, offset, length);
    onBlock(length);
  };
  let child: Pick<ImportResult, 'cid' | 'size'>;
  if (content instanceof Uint8Array && content.length <= CHUNK_BYTES) {
    child = leafOf(content);
    await take(child.cid, 0, content.length);
  } else child = await importFile({ content }, store, {
    ...profile,
    bufferImporter: async function* leaves(file) {
      let end = 0;
      for await (const block of file.content) {
        const offset = end;
        end += block.length;
        yield async () => {
          const leaf = leafOf(block);
          await take(leaf.cid, offset, block.length);
          return { ...leaf, block };
        };
      }
    },
  });
  if (identityOf(await handle.stat({ bigint: true })) !== identity) {
    throw new StorageError('FILE_CHANGED', 'the file changed while it was read', { details: path, hint: 'add it again when nobody writes to it' });
  }
  const file = await entry.commit({ path, identity, shelf: FILES_SHELF, roots: [child.cid.toString()] });
  // The root of a file of several blocks is no block of the file.
  if (known !== undefined) for (const root of known.roots) await catalogue.remove('whole', root);
  if (file.blocks !== 1) await catalogue.put('whole', child.cid.toString(), path);
  return child;
}
