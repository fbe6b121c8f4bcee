import type { ReadableStorage } from 'ipfs-unixfs-exporter';
import type { CID } from 'multiformats/cid';
import { StorageError } from '../errors.ts';
import { checkName } from './extract.ts';
import { openEntry } from './open-entry.ts';
import { identityBlock } from '../blocks/verify.ts';
import { isLeaf } from './links.ts';

/** An entry of a directory. */
export interface ListedEntry { name: string; cid: CID; type: 'file' | 'directory' | 'symlink' | 'other'; /** Of a file its bytes, of a directory what the DAG claims. */ bytes: number }

/** The entries of a directory, by name; reads the directory's own blocks and the roots of its entries. @throws StorageError NOT_A_DIRECTORY, ENTRY_HOSTILE, BLOCK_TOO_LARGE; what the store throws */
export async function listDirectory(store: ReadableStorage, cid: CID, signal: AbortSignal): Promise<ListedEntry[]> {
  const directory = await openEntry(store, cid, signal);
  if (directory.type !== 'directory') throw new StorageError('NOT_A_DIRECTORY', 'this is not a directory', { details: cid.toString() });
  const listed: ListedEntry[] = [];
  for await (const { name, cid: child, size } of directory.entries({ signal })) {
    checkName(name);
    identityBlock(child);
    const entry = isLeaf(child) ? undefined : await openEntry(store, child, signal);
    const type = entry === undefined || entry.type === 'raw' || entry.type === 'identity' ? 'file'
      : entry.type === 'object' ? 'other'
        : entry.type === 'file' && entry.unixfs.type === 'symlink' ? 'symlink' : entry.type;
    listed.push({ name, cid: child, type, bytes: Number(entry?.type === 'file' ? entry.size : size) });
  }
  return listed.sort((a, b) => (a.name < b.name ? -1 : 1));
}

/** The names of a directory's entries, and what they are of; reads the directory's own blocks only. @throws StorageError NOT_A_DIRECTORY, ENTRY_HOSTILE; what the store throws */
export async function namesIn(store: ReadableStorage, cid: CID, signal: AbortSignal): Promise<Map<string, CID>> {
  const directory = await openEntry(store, cid, signal);
  if (directory.type !== 'directory') throw new StorageError('NOT_A_DIRECTORY', 'this is not a directory', { details: cid.toString() });
  const names = new Map<string, CID>();
  for await (const { name, cid: child } of directory.entries({ signal })) names.set(checkName(name), child);
  return names;
}

/** One entry of a directory; reads the directory's own blocks only. @throws StorageError NOT_A_DIRECTORY, NOT_FOUND when it has none of this name; what the store throws */
export async function findEntry(store: ReadableStorage, cid: CID, wanted: string, signal: AbortSignal): Promise<CID> {
  const directory = await openEntry(store, cid, signal);
  if (directory.type !== 'directory') throw new StorageError('NOT_A_DIRECTORY', 'this is not a directory', { details: cid.toString() });
  for await (const { name, cid: child } of directory.entries({ signal })) if (name === wanted) return child;
  throw new StorageError('NOT_FOUND', 'the directory has no such entry', { details: `${wanted} in ${cid}` });
}
