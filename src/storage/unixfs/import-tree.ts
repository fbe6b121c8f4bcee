import { createHash } from 'node:crypto';
import { constants, type Dirent } from 'node:fs';
import { lstat, open, opendir, readlink } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import * as dagPb from '@ipld/dag-pb';
import { importer, importFile, type ImportCandidate, type WritableStorage } from 'ipfs-unixfs-importer';
import { CID } from 'multiformats/cid';
import { create as createDigest } from 'multiformats/hashes/digest';
import { BLOCK_WRITE_CONCURRENCY, FILE_CONCURRENCY } from '../constants.ts';
import { StorageError } from '../errors.ts';
import { MIN_PLACED_BYTES, type LeafPlaces } from '../hidden/leaf-places.ts';
import type { LocalBlocks } from '../local/local-blocks.ts';
import { forEachParallel } from '../parallel.ts';
import type { Catalogue } from '../shelf/catalogue.ts';
import { ChildList, type Child } from './child-list.ts';
import { importInPlace } from './import-in-place.ts';
import { CHUNK_BYTES, leafOf } from './leaf.ts';
import { readContent } from './read-content.ts';
import { referenceFile } from './reference-file.ts';
import { shardedDirectory } from './sharded-directory.ts';
import { staysInside, symlinkNode } from './symlink.ts';

/** What was added. */
export interface Added {
  cid: CID;
  /** Bytes and number of the blocks made, directories included. */
  bytes: number;
  blocks: number;
  /** Devices, sockets, names that are not UTF-8 and links that lead out of the tree, which were left out. */
  skipped: number;
}

export interface AddOptions {
  signal?: AbortSignal;
  onProgress?: (progress: { bytes: number; blocks: number }) => void;
  /** Where files are referenced instead of copied. */
  catalogue?: Catalogue;
  /** Told where the leaves of larger files lie, which are not stored then. */
  places?: LeafPlaces;
}

/** One entry of a tree: a path inside it, and a host path (file or folder) or the bytes themselves. */
export interface TreeEntry { path: string; source: string | Uint8Array }

type Folder = Map<string, Folder | string | Uint8Array>;

/** IPIP-499's profile: CIDv1, raw leaves, chunks of 1 MiB, 1,024 links a node, directories sharded above 256 KiB. */
const PROFILE = { profile: 'unixfs-v1-2025', blockWriteConcurrency: BLOCK_WRITE_CONCURRENCY } as const;

/**
 * Adds a file or a folder of this machine. Symbolic links are never followed; those that stay inside the folder are added as links.
 *
 * @throws StorageError SOURCE_INVALID when it is neither; the signal's reason
 */
export function importPath(blocks: LocalBlocks, path: string, options: AddOptions = {}): Promise<Added> {
  return importing(blocks, options, async (job) => {
    const child = await addPath(job, path, 0);
    if (child === undefined) throw new StorageError('SOURCE_INVALID', 'neither a file nor a folder', { details: path });
    return child;
  });
}

/** Adds bytes as a file, at once or as they come. */
export function importBytes(blocks: LocalBlocks, bytes: Uint8Array | AsyncIterable<Uint8Array>, options: AddOptions = {}): Promise<Added> {
  return importing(blocks, options, (job) => addContent(job, bytes));
}

/** Adds a folder put together from host paths and bytes. @throws StorageError SOURCE_INVALID for a bad or doubled path */
export function importTree(blocks: LocalBlocks, entries: readonly TreeEntry[], options: AddOptions = {}): Promise<Added> {
  const root: Folder = new Map();
  for (const { path, source } of entries) place(root, path, source);
  return importing(blocks, options, (job) => addFolder(job, root));
}

/** An entry of a directory whose DAG is there already, and what that weighs, as the directory claims it. */
export interface DirectoryEntry { name: string; cid: CID; bytes: number }

/** Adds a directory of DAGs that are there already. @throws StorageError SOURCE_INVALID for a bad or doubled name */
export function importDirectory(blocks: Pick<LocalBlocks, 'put'>, entries: readonly DirectoryEntry[], options: AddOptions = {}): Promise<Added> {
  const names = new Set(entries.map(({ name }) => name));
  if (names.size < entries.length || [...names].some((name) => name === '' || name === '.' || name === '..' || /[/\0]/.test(name))) {
    throw new StorageError('SOURCE_INVALID', 'a name is no name of an entry, or there twice');
  }
  return importing(blocks, options, (job) => {
    const children = new ChildList();
    for (const { name, cid, bytes } of entries) children.add(name, { cid, size: BigInt(bytes) });
    return makeDirectory(job, children);
  });
}

/** CID of such a directory, without storing anything. @throws StorageError SOURCE_INVALID */
export async function directoryCid(entries: readonly DirectoryEntry[], options: AddOptions = {}): Promise<CID> {
  return (await importDirectory({ put: async (cid) => cid }, entries, options)).cid;
}

interface Job {
  store: WritableStorage;
  skipped: number;
  signal: AbortSignal | undefined;
  catalogue: Catalogue | undefined;
  places: LeafPlaces | undefined;
  onBlock(bytes: number): void;
}

async function importing(blocks: Pick<LocalBlocks, 'put'>, { signal, onProgress, catalogue, places }: AddOptions, add: (job: Job) => Promise<Child>): Promise<Added> {
  const progress = { bytes: 0, blocks: 0 };
  const onBlock = (bytes: number) => {
    signal?.throwIfAborted();
    progress.bytes += bytes;
    progress.blocks++;
    onProgress?.({ ...progress });
  };
  const store: WritableStorage = {
    async put(cid, block) {
      signal?.throwIfAborted();
      await blocks.put(cid, block as Uint8Array);
      onBlock((block as Uint8Array).length);
      return cid;
    },
  };
  const job: Job = { store, skipped: 0, signal, catalogue, places, onBlock };
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
  const children = new ChildList();
  for (const [name, source] of folder) {
    const child = source instanceof Map ? await addFolder(job, source)
      : source instanceof Uint8Array ? await addContent(job, source)
        : await addPath(job, source, 0);
    if (child === undefined) job.skipped++;
    else children.add(name, child);
  }
  return makeDirectory(job, children);
}

/** Undefined for what is not added. @param depth folders above it in its tree */
async function addPath(job: Job, path: string, depth: number, kind?: Dirent<Buffer>): Promise<Child | undefined> {
  job.signal?.throwIfAborted();
  const entry = kind ?? await lstat(path).catch((cause) => {
    throw new StorageError('SOURCE_INVALID', 'the path cannot be read', { details: `${path}: ${(cause as Error).message}`, cause });
  });
  if (entry.isDirectory()) return addDirectory(job, path, depth);
  // A link is an entry of a folder: by itself it leads nowhere.
  if (entry.isSymbolicLink() && depth > 0) return addLink(job, path, depth - 1);
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
    const stats = await handle.stat({ bigint: true });
    if (!stats.isFile()) return undefined;
    if (job.catalogue !== undefined) {
      return await referenceFile({ catalogue: job.catalogue, store: job.store }, handle, resolve(path), stats, { profile: PROFILE, signal: job.signal, onBlock: job.onBlock });
    }
    if (job.places !== undefined && stats.size >= MIN_PLACED_BYTES) {
      const { places, onBlock } = job;
      return await importInPlace(job.store, handle, path, stats, {
        profile: PROFILE, signal: job.signal,
        onLeaf(cid, offset, length) {
          places.note(cid, { path, offset, length });
          onBlock(length);
        },
      });
    }
    return await addContent(job, await readContent(handle, Number(stats.size), job.signal));
  } finally {
    await handle.close();
  }
}

async function addContent(job: Job, content: Uint8Array | AsyncIterable<Uint8Array>): Promise<Child> {
  if (content instanceof Uint8Array && content.length <= CHUNK_BYTES) {
    const leaf = leafOf(content);
    await job.store.put(leaf.cid, content);
    return leaf;
  }
  return importFile({ content }, job.store, { ...PROFILE });
}

async function addLink(job: Job, path: string, depth: number): Promise<Child | undefined> {
  const target = await readlink(path);
  if (!staysInside(target, depth)) return undefined;
  const bytes = symlinkNode(target);
  const cid = CID.createV1(dagPb.code, createDigest(0x12, createHash('sha256').update(bytes).digest()));
  await job.store.put(cid, bytes);
  return { cid, size: BigInt(bytes.length) };
}

async function addDirectory(job: Job, path: string, depth: number): Promise<Child> {
  const children = new ChildList();
  const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
  const folders: string[] = [];
  // As they come: of a million names a list would take half a gigabyte.
  const entries = await opendir(path, { encoding: 'buffer' as BufferEncoding }) as unknown as AsyncIterable<Dirent<Buffer>>;
  await forEachParallel(entries, FILE_CONCURRENCY, async (entry) => {
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
    const child = await addPath(job, join(path, name), depth + 1, entry);
    if (child === undefined) job.skipped++;
    else children.add(name, child);
  });
  // One folder after the other: in parallel, each level would multiply the files that are open.
  for (const name of folders) children.add(name, await addDirectory(job, join(path, name), depth + 1));
  return makeDirectory(job, children);
}

/** Of so many entries a directory is sharded by the profile, however short their names: each counts with 36 bytes of its CID, and the limit is 256 KiB. */
const SHARDED_ENTRIES = 256 * 1024 / 36;

/** A directory of children that are there already, sharded when it is large. */
async function makeDirectory(job: Job, children: ChildList): Promise<Child> {
  if (children.length > SHARDED_ENTRIES) return shardedDirectory(job.store, children);
  const ordered = Array.from({ length: children.length }, (_, i): [string, Child] => [children.nameOf(i), { cid: children.cidOf(i), size: BigInt(children.sizeOf(i)) }])
    .sort(([a], [b]) => (a < b ? -1 : 1));
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
