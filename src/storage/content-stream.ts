import type { CID } from 'multiformats/cid';
import { isError } from '../protocol/errors.ts';
import type { Storage } from './storage.ts';

/**
 * The contents of all files of some DAGs, one after the other: the DAGs as they are given, in each the files by path, a directory's entries
 * by name. Links have no contents. What a possession tree is built over; reads what is not here as it goes.
 *
 * @throws StorageError NOT_FOUND, DAG_INVALID
 */
export async function* contentStream(storage: Pick<Storage, 'ls' | 'cat'>, roots: readonly CID[], options: { signal?: AbortSignal } = {}): AsyncGenerator<Uint8Array> {
  for (const root of roots) yield* contentsOf(storage, root, undefined, options);
}

async function* contentsOf(storage: Pick<Storage, 'ls' | 'cat'>, cid: CID, type: string | undefined, options: { signal?: AbortSignal }): AsyncGenerator<Uint8Array> {
  if (type === 'symlink' || type === 'other') return;
  if (type !== 'file') {
    try {
      for (const entry of await storage.ls(cid, options)) yield* contentsOf(storage, entry.cid, entry.type, options);
      return;
    } catch (error) {
      if (type !== undefined || !isError(error, 'NOT_A_DIRECTORY')) throw error;
    }
  }
  yield* storage.cat(cid, options);
}
