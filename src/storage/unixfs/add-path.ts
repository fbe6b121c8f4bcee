import { createHash } from 'node:crypto';
import { constants, type Dirent } from 'node:fs';
import { lstat, open, opendir, readlink } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import * as dagPb from '@ipld/dag-pb';
import { CID } from 'multiformats/cid';
import { create as createDigest } from 'multiformats/hashes/digest';
import { FILE_CONCURRENCY, MAX_DAG_DEPTH, SMALL_FILES_AT_ONCE, SMALL_FILES_CONCURRENCY } from '../constants.ts';
import { StorageError } from '../errors.ts';
import { MIN_PLACED_BYTES } from '../hidden/leaf-places.ts';
import { isFileForJobs, isFolderForJobs } from '../inputs/for-jobs.ts';
import { forEachParallel } from '../parallel.ts';
import type { WholeBlock } from '../shelf/catalogue.ts';
import { identityOf } from '../shelf/file-identity.ts';
import { ChildList, type Child } from './child-list.ts';
import { addContent, type ImportJob } from './import-job.ts';
import { importInPlace } from './import-in-place.ts';
import { knownFile, knownLeaf } from './known-file.ts';
import { rawLeaf } from './leaf.ts';
import { makeDirectory } from './make-directory.ts';
import { openFolder } from './open-folder.ts';
import { PROFILE } from './profile.ts';
import { readContent } from './read-content.ts';
import { FILES_SHELF, referenceFile } from './reference-file.ts';
import { settledTimes } from './settled-times.ts';
import { staysInside, symlinkNode } from './symlink.ts';

/** Something to add. */
interface Spot {
  /** Where it is, as records have it. */
  path: string;
  /** How it is reached: by the folder it is in, which is open. */
  at: string;
  /** Where it is in its tree; empty for the tree itself. */
  below: string;
  /** Folders above it in its tree. */
  depth: number;
}

type Entry = Dirent<Buffer> & { decoded: string };

/**
 * Adds a file or folder of this machine, with all that is in it.
 *
 * @returns undefined for what is neither
 * @throws StorageError SOURCE_INVALID, FILE_CHANGED; what the store throws; the signal's reason
 */
export function addPath(job: ImportJob, path: string): Promise<Child | undefined> {
  return addSpot(job, { path, at: path, below: '', depth: 0 });
}

async function addSpot(job: ImportJob, spot: Spot, kind?: Pick<Dirent, 'isDirectory' | 'isSymbolicLink' | 'isFile'>): Promise<Child | undefined> {
  job.signal?.throwIfAborted();
  const entry = kind ?? await lstat(spot.at).catch((cause: unknown) => { throw unreadable('path', spot, cause); });
  if (entry.isDirectory()) return addDirectory(job, spot);
  // A link is an entry of a folder: by itself it leads nowhere.
  if (entry.isSymbolicLink() && spot.depth > 0) return addLink(job, spot);
  return entry.isFile() ? addFile(job, spot) : undefined;
}

async function addFile(job: ImportJob, spot: Spot): Promise<Child | undefined> {
  const { signal, catalogue, snapshot, places, store, onBlock } = job;
  const { path } = spot;
  let handle;
  try {
    // O_NOFOLLOW and O_NONBLOCK: between readdir and open a file may have been swapped for a link or a pipe.
    handle = await open(spot.at, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ELOOP') return undefined;
    throw unreadable('file', spot, cause);
  }
  try {
    const stats = await handle.stat({ bigint: true });
    if (!stats.isFile()) return undefined;
    if (catalogue !== undefined) {
      const known = job.again && job.blocks !== undefined ? await knownFile(job.blocks, await catalogue.fileAt(resolve(path)), identityOf(stats), stats.size, onBlock) : undefined;
      if (known === undefined) await settledTimes(stats, signal);
      const child = known ?? await referenceFile({ catalogue, store }, handle, resolve(path), stats, { profile: PROFILE, signal, onBlock });
      if (isFileForJobs(stats)) snapshot?.note(spot.below, identityOf(stats));
      else snapshot?.spoil();
      return child;
    }
    if (places !== undefined && stats.size >= MIN_PLACED_BYTES) {
      return await importInPlace(store, handle, path, stats, {
        profile: PROFILE, signal,
        onLeaf(cid, offset, length) {
          places.note(cid, { path, offset, length });
          onBlock(length);
        },
      });
    }
    return await addContent(job, await readContent(handle, Number(stats.size), signal));
  } finally {
    await handle.close();
  }
}

async function addLink(job: ImportJob, { at, depth }: Spot): Promise<Child | undefined> {
  // Jobs get links from a copy.
  job.snapshot?.spoil();
  const target = await readlink(at);
  if (!staysInside(target, depth - 1)) return undefined;
  const bytes = symlinkNode(target);
  const cid = CID.createV1(dagPb.code, createDigest(0x12, createHash('sha256').update(bytes).digest()));
  await job.store.put(cid, bytes);
  return { cid, size: BigInt(bytes.length) };
}

async function addDirectory(job: ImportJob, spot: Spot): Promise<Child | undefined> {
  const { snapshot } = job;
  if (spot.depth > MAX_DAG_DEPTH) throw new StorageError('SOURCE_INVALID', 'the folders are nested too deeply', { details: `more than ${MAX_DAG_DEPTH} levels at ${spot.path}` });
  let folder;
  try {
    folder = await openFolder(spot.at);
  } catch (cause) {
    // Swapped for a link after it was listed.
    if (spot.depth > 0 && ['ELOOP', 'ENOTDIR'].includes((cause as NodeJS.ErrnoException).code ?? '')) return undefined;
    throw unreadable('folder', spot, cause);
  }
  try {
    if (snapshot !== undefined) {
      if (spot.depth > 0) snapshot.note(`${spot.below}/`);
      if (!isFolderForJobs(await folder.handle.stat({ bigint: true }))) snapshot.spoil();
    }
    const inside = { ...spot, at: folder.at };
    const children = new ChildList();
    const folders: string[] = [];
    const take = async (name: string, adding: Promise<Child | undefined>) => {
      const child = await adding;
      if (child === undefined) job.skipped++;
      else children.add(name, child);
    };
    await forEachParallel(addSmallFiles(job, inside, children, folders), FILE_CONCURRENCY, (entry) => take(entry.decoded, addSpot(job, spotIn(inside, entry.decoded), entry)));
    // One folder after the other: in parallel, each level would multiply the files that are open.
    for (const name of folders) await take(name, addDirectory(job, spotIn(inside, name)));
    // There may be a million entries: what the thread takes is free while they are sorted.
    if (spot.depth === 0) await job.smallFiles.stop();
    return await makeDirectory(job.store, children);
  } finally {
    await folder.handle.close();
  }
}

/** Adds the small files of a folder, many at a time. @returns its other entries as they come, but for the folders, which are noted */
async function* addSmallFiles(job: ImportJob, inside: Spot, children: ChildList, folders: string[]): AsyncGenerator<Entry> {
  const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
  const running: Promise<Entry[]>[] = [];
  let batch: Entry[] = [];
  const add = () => {
    const adding = addBatch(job, inside, batch, children);
    adding.catch(() => {});
    running.push(adding);
    batch = [];
  };
  try {
    // As they come: of a million names a list would take half a gigabyte.
    for await (const entry of await opendir(inside.at, { encoding: 'buffer' as BufferEncoding, bufferSize: SMALL_FILES_AT_ONCE }) as unknown as AsyncIterable<Entry>) {
      job.signal?.throwIfAborted();
      try {
        entry.decoded = decoder.decode(entry.name);
      } catch {
        job.skipped++;
        continue;
      }
      if (entry.isDirectory()) folders.push(entry.decoded);
      else if (entry.isFile()) batch.push(entry);
      else yield entry;
      if (batch.length >= SMALL_FILES_AT_ONCE) add();
      if (running.length >= SMALL_FILES_CONCURRENCY) yield* await running.shift()!;
    }
    if (batch.length > 0) add();
    for (let next = running.shift(); next !== undefined; next = running.shift()) yield* await next;
  } finally {
    await Promise.allSettled(running);
  }
}

/** @returns those that are not small */
async function addBatch(job: ImportJob, inside: Spot, entries: Entry[], children: ChildList): Promise<Entry[]> {
  const { catalogue, snapshot, smallFiles, store, onBlock } = job;
  const known = !job.again || catalogue === undefined ? [] : await catalogue.filesAt(entries.map(({ decoded }) => resolve(spotIn(inside, decoded).path)));
  const before = known.map((file) => (file === undefined || knownLeaf(file, file.identity) === undefined ? '' : file.identity));
  const outcome = await smallFiles.read({ dir: inside.at, names: entries.map(({ decoded }) => decoded), identify: catalogue !== undefined, before });
  if (outcome === undefined) return entries;
  const { lengths, digests, bytes, identities, forJobs } = outcome;
  const left: Entry[] = [];
  const referenced: WholeBlock[] = [];
  /** Bytes of files that are as they were when they were referenced. */
  const same: number[] = [];
  const writes: Promise<unknown>[] = [];
  let from = 0;
  for (const [i, entry] of entries.entries()) {
    const length = lengths[i]!;
    if (length < 0) {
      left.push(entry);
      continue;
    }
    const { path, below } = spotIn(inside, entry.decoded);
    const unchanged = catalogue === undefined ? undefined : knownLeaf(known[i], identities[i]!);
    const leaf = unchanged === undefined ? rawLeaf(digests.slice(32 * i, 32 * (i + 1)), length) : { cid: unchanged, size: BigInt(length) };
    children.add(entry.decoded, leaf);
    if (unchanged !== undefined) {
      same.push(length);
      snapshot?.note(below, identities[i]!);
    } else if (catalogue === undefined) {
      writes.push(Promise.resolve(store.put(leaf.cid, bytes.subarray(from, from += length))));
    } else {
      referenced.push({ path: resolve(path), identity: identities[i]!, cid: leaf.cid, length });
      snapshot?.note(below, identities[i]!);
    }
  }
  if (!forJobs) snapshot?.spoil();
  const failed = (await Promise.allSettled(writes)).find((write) => write.status === 'rejected');
  if (failed !== undefined) throw failed.reason;
  if (catalogue !== undefined) await catalogue.addFiles(referenced, FILES_SHELF);
  for (const length of [...same, ...referenced.map((file) => file.length)]) onBlock(length);
  return left;
}

function spotIn({ path, at, below, depth }: Spot, name: string): Spot {
  return { path: join(path, name), at: `${at}/${name}`, below: below === '' ? name : `${below}/${name}`, depth: depth + 1 };
}

function unreadable(what: string, { path }: Spot, cause: unknown): StorageError {
  return new StorageError('SOURCE_INVALID', `the ${what} cannot be read`, { details: `${path}: ${(cause as Error).message}`, cause });
}
