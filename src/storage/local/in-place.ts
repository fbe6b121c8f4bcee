import { createHash } from 'node:crypto';
import type { BigIntStats } from 'node:fs';
import { lstat, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { CID } from 'multiformats/cid';
import { StorageError } from '../errors.ts';
import type { Catalogue } from '../shelf/catalogue.ts';
import { identityOf } from '../shelf/file-identity.ts';
import { FILES_SHELF } from '../unixfs/reference-file.ts';

/** A referenced file or folder that is exactly what its CID names, as it lies. */
export interface InPlace {
  path: string;
  /** @throws StorageError FILE_CHANGED when it is not any more what it was when it was found */
  check(): Promise<void>;
}

/** What a folder was when it was added: the names and identities of all that is below it. */
interface TreeRecord { path: string; snapshot: string }

/**
 * The file or folder a CID was made from, if nobody touched it since and jobs, which run as nobody, can read all of it. Its bytes are
 * not read: they were hashed when it was added, and identities tell whether they are the same.
 */
export async function findInPlace(catalogue: Catalogue, cid: CID): Promise<InPlace | undefined> {
  const tree = await catalogue.get<TreeRecord>('tree', cid.toString());
  if (tree !== undefined) {
    const look = () => snapshotOf(tree.path).catch(() => undefined);
    return await look() === tree.snapshot ? { path: tree.path, check: () => same(tree.path, tree.snapshot, look) } : undefined;
  }
  const file = await fileOf(catalogue, cid);
  if (file === undefined) return undefined;
  const look = () => identityForJobs(file.path);
  return await look() === file.identity ? { path: file.path, check: () => same(file.path, file.identity, look) } : undefined;
}

/** Remembers the folder a CID was made from, unless something in it is not in the DAG. */
export async function noteTree(catalogue: Catalogue, cid: CID, path: string): Promise<void> {
  const snapshot = await snapshotOf(path);
  if (snapshot !== undefined) await catalogue.put('tree', cid.toString(), { path, snapshot } satisfies TreeRecord);
}

/** Forgets the files a CID was made from: the one, or all below the folder. */
export async function forgetFiles(catalogue: Catalogue, cid: CID, path: string): Promise<void> {
  await catalogue.remove('tree', cid.toString());
  const own = await catalogue.fileAt(path);
  for await (const file of own === undefined ? catalogue.files(FILES_SHELF, `${path}/`) : [own]) {
    if (file.shelf !== FILES_SHELF) continue;
    for (const root of file.roots) await catalogue.remove('whole', root);
    await catalogue.removeFile(file);
  }
}

async function fileOf(catalogue: Catalogue, cid: CID): Promise<{ path: string; identity: string } | undefined> {
  const root = cid.toString();
  const path = await catalogue.get<string>('whole', root);
  const file = path === undefined ? undefined : await catalogue.fileAt(path);
  if (file?.roots[0] === root) return file;
  // A file of one block is that block.
  for await (const place of catalogue.places(cid)) {
    if (place.file.shelf === FILES_SHELF && place.file.roots[0] === root) return place.file;
  }
  return undefined;
}

/** A digest over names and identities; undefined where something is neither file nor folder, or not readable by nobody. */
async function snapshotOf(root: string): Promise<string | undefined> {
  const hash = createHash('sha256');
  const waiting = [''];
  for (let below = waiting.pop(); below !== undefined; below = waiting.pop()) {
    const dir = join(root, below);
    if (((await lstat(dir)).mode & 0o5) !== 0o5) return undefined;
    for (const name of (await readdir(dir)).sort()) {
      const path = join(below, name);
      const stats = await lstat(join(root, path), { bigint: true });
      if (stats.isDirectory()) {
        waiting.push(path);
        hash.update(`${path}/\0`);
      } else if (isForJobs(stats)) {
        hash.update(`${path}\0${identityOf(stats)}\0`);
      } else {
        return undefined;
      }
    }
  }
  return hash.digest('hex');
}

async function identityForJobs(path: string): Promise<string | undefined> {
  const stats = await lstat(path, { bigint: true }).catch(() => undefined);
  return stats !== undefined && isForJobs(stats) ? identityOf(stats) : undefined;
}

/** A file that everybody may read. */
function isForJobs(stats: BigIntStats): boolean {
  return stats.isFile() && (stats.mode & 0o4n) !== 0n;
}

async function same(path: string, before: string, look: () => Promise<string | undefined>): Promise<void> {
  if (await look() === before) return;
  throw new StorageError('FILE_CHANGED', 'an input changed while it was in use', { details: path, hint: 'add it again, and leave it alone while jobs read it' });
}
