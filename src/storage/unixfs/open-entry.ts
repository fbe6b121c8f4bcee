import { exporter, type ReadableStorage, type UnixFSEntry } from 'ipfs-unixfs-exporter';
import type { CID } from 'multiformats/cid';
import { isError, messageOf } from '../../protocol/base/errors.ts';
import { StorageError } from '../errors.ts';
import { identityBlock } from '../blocks/verify.ts';

/** Opens a UnixFS entry. @throws StorageError DAG_INVALID, BLOCK_TOO_LARGE; what the store throws */
export async function openEntry(store: ReadableStorage, cid: CID, signal?: AbortSignal): Promise<UnixFSEntry> {
  // The library takes identity CIDs of any length.
  identityBlock(cid);
  try {
    const entry = await exporter(cid, store, { ...(signal && { signal }) });
    // The library takes a node without a type for a raw one.
    if ('node' in entry && 'Data' in entry.node && entry.node.Data?.length === 0) throw new Error('the node has no UnixFS data');
    return entry;
  } catch (error) {
    signal?.throwIfAborted();
    throw toUnixfsError(error, cid);
  }
}

/** What went wrong with a DAG, typed; an error of the file system stays what it is. */
export function toUnixfsError(error: unknown, cid: CID): unknown {
  if (isError(error)) return error;
  const code = (error as NodeJS.ErrnoException).code;
  if (code === 'EEXIST') return new StorageError('ENTRY_HOSTILE', 'two entries of a directory have one name', { details: messageOf(error), cause: error });
  if (code === 'ENAMETOOLONG') return new StorageError('ENTRY_HOSTILE', 'the path of an entry is too long', { details: messageOf(error).slice(0, 200), cause: error });
  if (code === 'ENOSPC' || code === 'EDQUOT') return new StorageError('DISK_FULL', 'the disk is full', { details: messageOf(error), cause: error });
  if (code !== undefined && /^E[A-Z]+$/.test(code)) return error;
  return new StorageError('DAG_INVALID', 'the data is not a valid UnixFS DAG', { details: `${cid}: ${messageOf(error)}`, cause: error });
}
