import { lstat } from 'node:fs/promises';
import type { CID } from 'multiformats/cid';
import { StorageError } from '../errors.ts';
import type { Catalogue, ShelvedFile } from '../shelf/catalogue.ts';
import { identityOf } from '../shelf/file-identity.ts';
import { FILES_SHELF } from '../unixfs/reference-file.ts';
import { isFileForJobs } from './for-jobs.ts';
import { glanceAtTree, lookAtTree } from './look-at-tree.ts';
import type { TreeSnapshot } from './tree-snapshot.ts';

/** A referenced file or folder that is exactly what its CID names, as it lies. */
export interface InPlace {
  path: string;
  /** @throws StorageError FILE_CHANGED when it is not any more what it was when it was found */
  check(): Promise<void>;
}

/** What a folder was when it was added: see `TreeSnapshot`. */
interface TreeRecord { path: string; snapshot: string }

/** Records removed together. */
const FORGOTTEN_AT_ONCE = 1_000;

/**
 * The file or folder a CID was made from, if nobody touched it since and jobs, which run as nobody, can read all of it. Its bytes are
 * not read: they were hashed when it was added, and identities tell whether they are the same.
 */
export async function findInPlace(catalogue: Catalogue, cid: CID): Promise<InPlace | undefined> {
  const tree = await catalogue.get<TreeRecord>('tree', cid.toString());
  if (tree !== undefined) {
    const look = () => lookAtTree(tree.path).catch(() => undefined);
    return await look() === tree.snapshot ? { path: tree.path, check: () => same(tree.path, tree.snapshot, look) } : undefined;
  }
  const file = await fileOf(catalogue, cid);
  if (file === undefined) return undefined;
  const look = () => identityForJobs(file.path);
  return await look() === file.identity ? { path: file.path, check: () => same(file.path, file.identity, look) } : undefined;
}

/** Whether a CID's file or folder lies here as it was, as far as can be told within a moment: see `glanceAtTree`. */
export async function liesInPlace(catalogue: Catalogue, cid: CID): Promise<boolean> {
  const tree = await catalogue.get<TreeRecord>('tree', cid.toString());
  if (tree !== undefined) return await glanceAtTree(tree.path, tree.snapshot) === tree.snapshot;
  return await findInPlace(catalogue, cid) !== undefined;
}

/**
 * Remembers the folder a CID was made from.
 *
 * @param snapshot of what was read when the CID was made: what changed since is found out by it
 */
export async function noteTree(catalogue: Catalogue, cid: CID, path: string, snapshot: TreeSnapshot): Promise<void> {
  const digest = snapshot.digest();
  if (digest === undefined) await catalogue.remove('tree', cid.toString());
  else await catalogue.put('tree', cid.toString(), { path, snapshot: digest } satisfies TreeRecord);
}

/** Forgets the files a CID was made from: the one, or all below the folder. */
export async function forgetFiles(catalogue: Catalogue, cid: CID, path: string): Promise<void> {
  await catalogue.remove('tree', cid.toString());
  const own = await catalogue.fileAt(path);
  if (own !== undefined) return catalogue.removeFiles(own.shelf === FILES_SHELF ? [own] : []);
  let files: ShelvedFile[] = [];
  for await (const file of catalogue.files(FILES_SHELF, `${path}/`)) {
    files.push(file);
    if (files.length < FORGOTTEN_AT_ONCE) continue;
    await catalogue.removeFiles(files);
    files = [];
  }
  await catalogue.removeFiles(files);
}

async function fileOf(catalogue: Catalogue, cid: CID): Promise<{ path: string; identity: string } | undefined> {
  const root = cid.toString();
  const path = await catalogue.whole(cid);
  const file = path === undefined ? undefined : await catalogue.fileAt(path);
  if (file?.roots[0] === root) return file;
  // A file of one block is that block.
  for await (const place of catalogue.places(cid)) {
    if (place.file.shelf === FILES_SHELF && place.file.roots[0] === root) return place.file;
  }
  return undefined;
}

async function identityForJobs(path: string): Promise<string | undefined> {
  const stats = await lstat(path, { bigint: true }).catch(() => undefined);
  return stats !== undefined && isFileForJobs(stats) ? identityOf(stats) : undefined;
}

async function same(path: string, before: string, look: () => Promise<string | undefined>): Promise<void> {
  if (await look() === before) return;
  throw new StorageError('FILE_CHANGED', 'an input changed while it was in use', { details: path, hint: 'add it again, and leave it alone while jobs read it' });
}
