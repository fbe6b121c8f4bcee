import type { CID } from 'multiformats/cid';
import { MAX_DAG_DEPTH, MAX_ENTRIES } from '../constants.ts';
import { StorageError } from '../errors.ts';
import type { Storage } from '../storage.ts';

/**
 * Paths of all regular files below a directory, in no order that matters; symbolic links are none. Only directories and the first blocks of
 * large files are read.
 *
 * @throws StorageError NOT_A_DIRECTORY, ENTRY_HOSTILE, LIMIT_EXCEEDED, NOT_FOUND, DAG_INVALID; the signal's reason
 */
export async function listFiles(storage: Pick<Storage, 'ls'>, directory: CID, { signal }: { signal?: AbortSignal } = {}): Promise<string[]> {
  const files: string[] = [];
  let entries = 0;
  const waiting = [{ cid: directory, prefix: '', depth: 0 }];
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    const { cid, prefix, depth } = next;
    if (depth > MAX_DAG_DEPTH) throw new StorageError('DAG_INVALID', 'the directories are nested too deeply', { details: `more than ${MAX_DAG_DEPTH} levels` });
    const listed = await storage.ls(cid, { ...(signal && { signal }) });
    entries += listed.length;
    if (entries > MAX_ENTRIES) throw new StorageError('LIMIT_EXCEEDED', 'the directory has too many entries', { details: `more than ${MAX_ENTRIES}` });
    const names = new Set<string>();
    for (const { name, cid: child, type } of listed) {
      if (names.has(name)) throw new StorageError('ENTRY_HOSTILE', 'two entries of a directory have one name', { details: JSON.stringify(name) });
      names.add(name);
      if (type === 'directory') waiting.push({ cid: child, prefix: `${prefix}${name}/`, depth: depth + 1 });
      if (type === 'file') files.push(prefix + name);
    }
  }
  return files;
}
