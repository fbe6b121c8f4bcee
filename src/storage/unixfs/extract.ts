import { mkdir, open, symlink, utimes } from 'node:fs/promises';
import { basename, join } from 'node:path';
import type { ReadableStorage, UnixFSEntry } from 'ipfs-unixfs-exporter';
import type { CID } from 'multiformats/cid';
import { BLOCKS_AT_ONCE, FILE_CONCURRENCY, MAX_DAG_DEPTH, MAX_ENTRIES, MAX_NAME_BYTES } from '../constants.ts';
import { StorageError } from '../errors.ts';
import { forEachParallel } from '../parallel.ts';
import { fileContent } from './file-content.ts';
import { openEntry, toUnixfsError } from './open-entry.ts';
import { staysInside } from './symlink.ts';

export interface ExtractInit {
  signal?: AbortSignal;
  /** Bytes that may be written. */
  maxBytes: number;
  /** Mode of the files; their own executable bits are added. */
  fileMode: number;
  onProgress?: (progress: { bytes: number; files: number }) => void;
  /** Makes paths the same files as raw blocks of the store: saves the writing of many small files. @returns the bytes of each; -1 where that cannot be */
  linkBlocks?: (leaves: readonly CID[], paths: string[]) => Promise<Int32Array>;
}

/**
 * Writes a UnixFS file or directory to a path that must not exist. Nothing outside it is touched, whatever the DAG says: names are
 * checked, every file is created anew, links that lead out of it are refused.
 *
 * @param store of blocks that are verified, perhaps in memory that is given back here
 * @throws StorageError ENTRY_HOSTILE, ENTRY_UNSUPPORTED, LIMIT_EXCEEDED, DAG_INVALID, DISK_FULL; what the store throws; the signal's reason
 */
export async function extract(store: ReadableStorage, root: CID, destination: string, init: ExtractInit): Promise<{ bytes: number; files: number }> {
  const { signal, maxBytes, fileMode, onProgress, linkBlocks } = init;
  const written = { bytes: 0, files: 0 };
  let entries = 0;

  async function write(cid: CID, path: string, depth: number): Promise<void> {
    signal?.throwIfAborted();
    if (depth > MAX_DAG_DEPTH) throw new StorageError('DAG_INVALID', 'the directories are nested too deeply', { details: `more than ${MAX_DAG_DEPTH} levels` });
    if (++entries > MAX_ENTRIES) throw new StorageError('LIMIT_EXCEEDED', 'the directory has too many entries', { details: `more than ${MAX_ENTRIES}` });
    const entry = await openEntry(store, cid, signal);
    if (entry.type === 'directory') {
      await mkdir(path);
      const folders: [CID, string][] = [];
      const below = async function* (): AsyncGenerator<Spot> {
        for await (const { cid: child, name } of entry.entries({ ...(signal && { signal }) })) yield { cid: child, path: join(path, checkName(name)) };
      };
      await forEachParallel(linked(below()), FILE_CONCURRENCY, async ({ cid: child, path: at }) => {
        // Files now, several at a time; folders after them, one by one, so that open files do not multiply with depth.
        if (child.code !== RAW && (await openEntry(store, child, signal)).type === 'directory') folders.push([child, at]);
        else await write(child, at, depth + 1);
      });
      for (const [child, at] of folders) await write(child, at, depth + 1);
      await setTime(path, entry.unixfs.mtime);
      return;
    }
    await writeFile(entry, path, depth);
  }

  /** Links what is a block, many at a time. @returns the rest, which is to be written */
  async function* linked(spots: AsyncIterable<Spot>): AsyncGenerator<Spot> {
    if (linkBlocks === undefined) return yield* spots;
    let batch: Spot[] = [];
    const link = async (): Promise<Spot[]> => {
      const asked = batch.splice(0);
      entries += asked.length;
      if (entries > MAX_ENTRIES) throw new StorageError('LIMIT_EXCEEDED', 'the directory has too many entries', { details: `more than ${MAX_ENTRIES}` });
      const bytes = await linkBlocks(asked.map(({ cid }) => cid), asked.map(({ path }) => path));
      const rest = asked.filter((_spot, i) => bytes[i]! < 0);
      entries -= rest.length;
      for (const one of bytes) if (one >= 0) count(one, 1);
      return rest;
    };
    for await (const spot of spots) {
      signal?.throwIfAborted();
      if (spot.cid.code !== RAW) yield spot;
      else if (batch.push(spot) >= BLOCKS_AT_ONCE) yield* await link();
    }
    if (batch.length > 0) yield* await link();
  }

  function count(bytes: number, files: number): void {
    written.bytes += bytes;
    written.files += files;
    if (written.bytes > maxBytes) throw new StorageError('LIMIT_EXCEEDED', 'the data unpacks to more than this node stores', { details: `more than ${maxBytes} bytes` });
    onProgress?.({ ...written });
  }

  async function writeFile(entry: UnixFSEntry, path: string, depth: number): Promise<void> {
    if (entry.type === 'file' && entry.unixfs.type === 'symlink' && depth > 0) {
      const target = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(entry.unixfs.data);
      if (!staysInside(target, depth - 1)) {
        throw new StorageError('ENTRY_HOSTILE', 'a link leads out of its directory', { details: `${JSON.stringify(basename(path))} to ${JSON.stringify(target.slice(0, 100))}` });
      }
      await symlink(target, path);
      return count(0, 1);
    }
    if (entry.type === 'directory' || entry.type === 'object' || (entry.type === 'file' && entry.unixfs.type === 'symlink')) {
      throw new StorageError('ENTRY_UNSUPPORTED', 'the entry is neither a file nor a directory', { details: entry.cid.toString() });
    }
    const executable = entry.type === 'file' ? (entry.unixfs.mode ?? 0) & 0o111 : 0;
    const file = await open(path, 'wx', fileMode | executable);
    try {
      for await (const chunk of fileContent(store, entry, { borrowed: true, ...(signal && { signal }) })) {
        count(chunk.length, 0);
        await file.writeFile(chunk);
      }
    } finally {
      await file.close();
    }
    if (entry.type === 'file') await setTime(path, entry.unixfs.mtime);
    count(0, 1);
  }

  try {
    await write(root, destination, 0);
  } catch (error) {
    signal?.throwIfAborted();
    throw toUnixfsError(error, root);
  }
  return written;
}

/** What is to be made where. */
interface Spot { cid: CID; path: string }

const RAW = 0x55;

/** Gives a path the time of change its entry states, if it states one. */
async function setTime(path: string, mtime: { secs: bigint; nsecs?: number } | undefined): Promise<void> {
  if (mtime === undefined) return;
  const seconds = Number(mtime.secs) + (mtime.nsecs ?? 0) / 1e9;
  await utimes(path, seconds, seconds);
}

/** A name that stays inside its directory and fits a file system. @throws StorageError ENTRY_HOSTILE */
export function checkName(name: string): string {
  const bad = name === '' || name === '.' || name === '..' || name.includes('/') || name.includes('\0') || Buffer.byteLength(name) > MAX_NAME_BYTES;
  if (!bad) return name;
  throw new StorageError('ENTRY_HOSTILE', 'a directory entry has a forbidden name', { details: JSON.stringify(name.slice(0, 100)) });
}
