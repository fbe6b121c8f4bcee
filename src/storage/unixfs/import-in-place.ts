import type { BigIntStats } from 'node:fs';
import type { FileHandle } from 'node:fs/promises';
import { importFile, type ImporterOptions, type ImportResult, type WritableStorage } from 'ipfs-unixfs-importer';
import type { CID } from 'multiformats/cid';
import { StorageError } from '../errors.ts';
import { identityOf } from '../shelf/file-identity.ts';
import { CHUNK_BYTES, leafOf } from './leaf.ts';
import { readContent } from './read-content.ts';

export interface InPlaceInit {
  profile: ImporterOptions;
  signal?: AbortSignal | undefined;
  /** Told of each leaf, and where in the file it lies. */
  onLeaf(cid: CID, offset: number, length: number): Promise<void> | void;
}

/**
 * Imports an open file as UnixFS without storing its leaves: only the nodes above them go into the store. The CID is that of a copying import.
 *
 * @throws StorageError FILE_CHANGED when it changes meanwhile
 */
export async function importInPlace(store: WritableStorage, handle: FileHandle, path: string, before: BigIntStats, { profile, signal, onLeaf }: InPlaceInit): Promise<Pick<ImportResult, 'cid' | 'size'>> {
  const content = await readContent(handle, Number(before.size), signal);
  let child: Pick<ImportResult, 'cid' | 'size'>;
  if (content instanceof Uint8Array && content.length <= CHUNK_BYTES) {
    child = leafOf(content);
    await onLeaf(child.cid, 0, content.length);
  } else child = await importFile({ content }, store, {
    ...profile,
    bufferImporter: async function* leaves(file) {
      let end = 0;
      for await (const block of file.content) {
        const offset = end;
        end += block.length;
        yield async () => {
          const leaf = leafOf(block);
          await onLeaf(leaf.cid, offset, block.length);
          return { ...leaf, block };
        };
      }
    },
  });
  if (identityOf(await handle.stat({ bigint: true })) !== identityOf(before)) {
    throw new StorageError('FILE_CHANGED', 'the file changed while it was read', { details: path, hint: 'add it again when nobody writes to it' });
  }
  return child;
}
