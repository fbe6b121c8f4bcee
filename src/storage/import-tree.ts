import type { Dirent } from 'node:fs';
import { constants } from 'node:fs';
import { lstat, open, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { importer, importFile, type ImportCandidate, type ImportResult, type WritableStorage } from 'ipfs-unixfs-importer';
import type { CID } from 'multiformats/cid';
import { BLOCK_WRITE_CONCURRENCY, FILE_CONCURRENCY } from './constants.ts';
import { StorageError } from './errors.ts';
import type { LocalBlocks } from './local-blocks.ts';
import { forEachParallel } from './parallel.ts';

/** What was added. */
export interface Added {
  cid: CID;
  /** Bytes and number of the blocks made, directories included. */
  bytes: number;
  blocks: number;
  /** Links, devices, sockets and names that are not UTF-8, which were left out. */
  skipped: number;
}

export interface AddOptions { signal?: AbortSignal; onProgress?: (progress: { bytes: number; blocks: number }) => void }

/** One entry of a tree: a path inside it, and a host path (file or folder) or the bytes themselves. */
export interface TreeEntry { path: string; source: string | Uint8Array }

type Child = Pick<ImportResult, 'cid' | 'size'>;
type Folder = Map<string, Folder | string | Uint8Array>;

/** IPIP-499's profile: CIDv1, raw leaves, chunks of 1 MiB, 1,024 links a node, directories sharded above 256 KiB. */
const PROFILE = { profile: 'unixfs-v1-2025', blockWriteConcurrency: BLOCK_WRITE_CONCURRENCY } as const;

/**
 * Adds a file or a folder of this machine. Symbolic links are never followed.
 *
 * @throws StorageError SOURCE_INVALID when it is neither; the signal's reason
 */
export function importPath(blocks: LocalBlocks, path: string, options: AddOptions = {}): Promise<Added> {
  return importing(blocks, options, async (job) => {
    const child = await addPath(job, path);
    if (child === undefined) throw new StorageError('SOURCE_INVALID', 'neither a file nor a folder', { details: path });
    return child;
  });
}

/** Adds bytes as a file. */
export function importBytes(blocks: LocalBlocks, bytes: Uint8Array, options: AddOptions = {}): Promise<Added> {
  return importing(blocks, options, (job) => addContent(job, bytes));
}

/** Adds a folder put together from host paths and bytes. @throws StorageError SOURCE_INVALID for a bad or doubled path */
export function importTree(blocks: LocalBlocks, entries: readonly TreeEntry[], options: AddOptions = {}): Promise<Added> {
  const root: Folder = new Map();
  for (const { path, source } of entries) place(root, path, source);
  return importing(blocks, options, (job) => addFolder(job, root));
}

interface Job { store: WritableStorage; skipped: number; signal: AbortSignal | undefined }

async function importing(blocks: LocalBlocks, { signal, onProgress }: AddOptions, add: (job: Job) => Promise<Child>): Promise<Added> {
  const progress = { bytes: 0, blocks: 0 };
  const store: WritableStorage = {
    async put(cid, block) {
      signal?.throwIfAborted();
      const bytes = block as Uint8Array;
      await blocks.put(cid, bytes);
      progress.bytes += bytes.length;
      progress.blocks++;
      onProgress?.({ ...progress });
      return cid;
    },
  };
  const job: Job = { store, skipped: 0, signal };
  const { cid } = await add(job);
  return { cid, ...progress, skipped: job.skipped };
}

function place(root: Folder, path: string, source: string | Uint8Array): void {
  const parts = path.split('/');
  const name = parts.pop() ?? '';
  const bad = (why: string) => new StorageError('SOURCE_INVALID', `not a path for an entry: ${why}`, { details: JSON.stringify(path) });
  if ([...parts, name].some((part) => part === '' || part === '.' || part === '..' || part.includes('\0'))) throw bad('empty, dot or NUL part');
  let folder = root;
  for (const part of parts) {
    let below = folder.get(part);
    if (below === undefined) folder.set(part, below = new Map());
    if (!(below instanceof Map)) throw bad('it lies below a file');
    folder = below;
  }
  if (folder.has(name)) throw bad('it is there already');
  folder.set(name, source);
}

async function addFolder(job: Job, folder: Folder): Promise<Child> {
  const children: [string, Child][] = [];
  for (const [name, source] of folder) {
    const child = source instanceof Map ? await addFolder(job, source)
      : source instanceof Uint8Array ? await addContent(job, source)
        : await addPath(job, source);
    if (child === undefined) job.skipped++;
    else children.push([name, child]);
  }
  return makeDirectory(job, children);
}

/** Undefined for what is neither file nor folder. */
async function addPath(job: Job, path: string, kind?: Dirent<Buffer>): Promise<Child | undefined> {
  job.signal?.throwIfAborted();
  const entry = kind ?? await lstat(path).catch((cause) => {
    throw new StorageError('SOURCE_INVALID', 'the path cannot be read', { details: `${path}: ${(cause as Error).message}`, cause });
  });
  if (entry.isDirectory()) return addDirectory(job, path);
  return entry.isFile() ? addFile(job, path) : undefined;
}

async function addFile(job: Job, path: string): Promise<Child | undefined> {
  let handle;
  try {
    // O_NOFOLLOW and O_NONBLOCK: between readdir and open a file may have been swapped for a link or a pipe.
    handle = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ELOOP') return undefined;
    throw new StorageError('SOURCE_INVALID', 'the file cannot be read', { details: `${path}: ${(cause as Error).message}`, cause });
  }
  try {
    if (!(await handle.stat()).isFile()) return undefined;
    return await addContent(job, handle.createReadStream({ highWaterMark: 1 << 20, autoClose: false, signal: job.signal }));
  } finally {
    await handle.close();
  }
}

async function addContent(job: Job, content: Uint8Array | AsyncIterable<Uint8Array>): Promise<Child> {
  return importFile({ content }, job.store, { ...PROFILE });
}

async function addDirectory(job: Job, path: string): Promise<Child> {
  const children: [string, Child][] = [];
  const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
  const folders: string[] = [];
  await forEachParallel(await readdir(path, { withFileTypes: true, encoding: 'buffer' }), FILE_CONCURRENCY, async (entry) => {
    let name: string;
    try {
      name = decoder.decode(entry.name);
    } catch {
      job.skipped++;
      return;
    }
    if (entry.isDirectory()) {
      folders.push(name);
      return;
    }
    const child = await addPath(job, join(path, name), entry);
    if (child === undefined) job.skipped++;
    else children.push([name, child]);
  });
  // One folder after the other: in parallel, each level would multiply the files that are open.
  for (const name of folders) children.push([name, await addDirectory(job, join(path, name))]);
  return makeDirectory(job, children);
}

/** A directory of children that are there already, sharded by the importer when it is large. */
async function makeDirectory(job: Job, children: readonly [string, Child][]): Promise<Child> {
  const ordered = [...children].sort(([a], [b]) => (a < b ? -1 : 1));
  let last: Child | undefined;
  const nothing: ImportCandidate[] = [];
  for await (const result of importer(nothing, job.store, {
    ...PROFILE,
    wrapWithDirectory: true,
    dagBuilder: async function* () {
      for (const [path, { cid, size }] of ordered) yield async () => ({ cid, size, path });
    },
  })) last = result;
  if (last === undefined) throw new StorageError('SOURCE_INVALID', 'the folder could not be made');
  return last;
}
