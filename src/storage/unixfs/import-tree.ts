import { resolve } from 'node:path';
import type { WritableStorage } from 'ipfs-unixfs-importer';
import type { CID } from 'multiformats/cid';
import { StorageError } from '../errors.ts';
import type { LeafPlaces } from '../hidden/leaf-places.ts';
import type { LocalBlocks } from '../blocks/local-blocks.ts';
import type { TreeSnapshot } from '../inputs/tree-snapshot.ts';
import type { Catalogue } from '../shelf/catalogue.ts';
import { addPath } from './add-path.ts';
import { ChildList, type Child } from './child-list.ts';
import { addContent, type ImportJob } from './import-job.ts';
import { isKnownBelow } from './known-file.ts';
import { makeDirectory } from './make-directory.ts';
import { SmallFiles } from './small-files.ts';

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
  /** Told of all that is below the folder that is referenced, as it was read. */
  snapshot?: TreeSnapshot;
  /** Told where the leaves of larger files lie, which are not stored then. */
  places?: LeafPlaces;
}

/** One entry of a tree: a path inside it, and a host path (file or folder) or the bytes themselves, at once or as they come. */
export interface TreeEntry { path: string; source: Source }

type Source = string | Uint8Array | AsyncIterable<Uint8Array>;
type Folder = Map<string, Folder | Source>;

/**
 * Adds a file or a folder of this machine. Symbolic links are never followed; those that stay inside the folder are added as links.
 *
 * @throws StorageError SOURCE_INVALID when it is neither; the signal's reason
 */
export function importPath(blocks: LocalBlocks, path: string, options: AddOptions = {}): Promise<Added> {
  return importing(blocks, options, async (job) => {
    job.blocks = blocks;
    job.again = options.catalogue !== undefined && await isKnownBelow(options.catalogue, resolve(path));
    const child = await addPath(job, path);
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
    return makeDirectory(job.store, children);
  });
}

/** CID of such a directory, without storing anything. @throws StorageError SOURCE_INVALID */
export async function directoryCid(entries: readonly DirectoryEntry[], options: AddOptions = {}): Promise<CID> {
  return (await importDirectory({ put: async (cid) => cid }, entries, options)).cid;
}

async function importing(blocks: Pick<LocalBlocks, 'put'>, { signal, onProgress, catalogue, snapshot, places }: AddOptions, add: (job: ImportJob) => Promise<Child>): Promise<Added> {
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
  const smallFiles = new SmallFiles();
  const job: ImportJob = { store, skipped: 0, signal, catalogue, again: false, blocks: undefined, snapshot, places, smallFiles, onBlock };
  try {
    const { cid } = await add(job);
    return { cid, ...progress, skipped: job.skipped };
  } finally {
    await smallFiles.stop();
  }
}

function place(root: Folder, path: string, source: Source): void {
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

async function addFolder(job: ImportJob, folder: Folder): Promise<Child> {
  const children = new ChildList();
  for (const [name, source] of folder) {
    const child = source instanceof Map ? await addFolder(job, source)
      : typeof source === 'string' ? await addPath(job, source)
        : await addContent(job, source);
    if (child === undefined) job.skipped++;
    else children.add(name, child);
  }
  return makeDirectory(job.store, children);
}
