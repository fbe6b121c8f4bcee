import type { CID } from 'multiformats/cid';
import { isError } from '../../protocol/base/errors.ts';
import type { Storage } from '../storage.ts';

type Readable = Pick<Storage, 'ls' | 'cat'>;

/**
 * The contents of all files of some DAGs, one after the other: the DAGs as they are given, in each the files by path, a directory's entries
 * by name. Links have no contents. What a possession tree is built over; reads what is not here as it goes.
 *
 * @param onFile told of every file before its contents
 * @throws StorageError NOT_FOUND, DAG_INVALID
 */
export async function* contentStream(
  storage: Readable, roots: readonly CID[], { onFile = () => {}, ...options }: { signal?: AbortSignal; onFile?: (cid: CID) => void } = {},
): AsyncGenerator<Uint8Array> {
  for (const root of roots) {
    for await (const file of filesOf(storage, root, undefined, options)) {
      onFile(file);
      yield* storage.cat(file, options);
    }
  }
}

async function* filesOf(storage: Readable, cid: CID, type: string | undefined, options: { signal?: AbortSignal }): AsyncGenerator<CID> {
  if (type === 'symlink' || type === 'other') return;
  if (type !== 'file') {
    try {
      for (const entry of await storage.ls(cid, options)) yield* filesOf(storage, entry.cid, entry.type, options);
      return;
    } catch (error) {
      if (type !== undefined || !isError(error, 'NOT_A_DIRECTORY')) throw error;
    }
  }
  yield cid;
}
