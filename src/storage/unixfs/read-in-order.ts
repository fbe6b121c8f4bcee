import type { ReadableStorage } from 'ipfs-unixfs-exporter';
import type { CID } from 'multiformats/cid';
import { MAX_DAG_DEPTH } from '../constants.ts';
import { StorageError } from '../errors.ts';
import { fileContent } from './file-content.ts';
import { isLeaf } from './links.ts';
import { openEntry } from './open-entry.ts';

export interface ReadInOrderInit {
  signal: AbortSignal;
  /** The first byte wanted, of all files together; 0 by default. */
  offset?: number;
  /** Bytes wanted; to the end by default. */
  length?: number;
  /** Size of a leaf where that can be had without reading it: saves reading what lies before `offset`. */
  sizeOf?: (leaf: CID) => Promise<number | undefined>;
}

/**
 * The contents of all files of several DAGs, one after the other: DAGs as given, the entries of a directory as the DAG has them (sorted by
 * the bytes of their names; of a sharded directory by their hashes), what is below a directory at its place. Links have no content.
 * The same CIDs give the same bytes everywhere.
 *
 * @throws StorageError DAG_INVALID, ENTRY_UNSUPPORTED; what the store throws; the signal's reason
 */
export async function* readInOrder(
  store: ReadableStorage, cids: Iterable<CID>, { signal, offset = 0, length = Infinity, sizeOf = async () => undefined }: ReadInOrderInit,
): AsyncGenerator<Uint8Array> {
  let at = 0;
  const end = offset + length;

  async function* read(cid: CID, depth: number): AsyncGenerator<Uint8Array> {
    signal.throwIfAborted();
    if (at >= end) return;
    if (depth > MAX_DAG_DEPTH) throw new StorageError('DAG_INVALID', 'the directories are nested too deeply', { details: `more than ${MAX_DAG_DEPTH} levels` });
    const known = at < offset && isLeaf(cid) ? await sizeOf(cid) : undefined;
    if (known !== undefined && at + known <= offset) {
      at += known;
      return;
    }
    const entry = await openEntry(store, cid, signal);
    if (entry.type === 'directory') {
      for await (const { cid: below } of entry.entries({ signal })) yield* read(below, depth + 1);
      return;
    }
    if (entry.type === 'object') throw new StorageError('ENTRY_UNSUPPORTED', 'the entry is neither a file nor a directory', { details: cid.toString() });
    if (entry.type === 'file' && entry.unixfs.type === 'symlink') return;
    const size = Number(entry.size);
    const from = Math.min(size, Math.max(0, offset - at));
    const count = Math.min(size, end - at) - from;
    at += size;
    if (count > 0) yield* fileContent(store, entry, { signal, offset: from, length: count });
  }

  for (const cid of cids) yield* read(cid, 0);
}
