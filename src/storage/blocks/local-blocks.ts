import { randomUUID } from 'node:crypto';
import { link, mkdir, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { FsBlockstore } from 'blockstore-fs';
import { NextToLast } from 'blockstore-fs/sharding';
import { NotFoundError } from '@libp2p/interface';
import { base32upper } from 'multiformats/bases/base32';
import { CID } from 'multiformats/cid';
import * as raw from 'multiformats/codecs/raw';
import { decode as decodeDigest } from 'multiformats/hashes/digest';
import { BlockSet } from './block-set.ts';
import { BLOCKS_WITHOUT_THREAD, MAX_BLOCK_BYTES, WRITES_WITHOUT_THREAD } from '../constants.ts';
import { StorageError } from '../errors.ts';
import type { Shelf } from '../shelf/shelf.ts';
import { blockKey } from '../unixfs/links.ts';
import { identityBlock } from './verify.ts';
import { BlockFiles } from './block-files.ts';
import { BlockWriter } from './block-writer.ts';
import { readFileBorrowed } from './read-file.ts';

/**
 * The blocks on this machine: our own, a file each, and behind them those on shelves, which are only read. A block is read whole in one
 * call, and two writers of one block share one write. Nothing is flushed to the disk: what a power failure takes is noticed when it is read,
 * by its hash, and fetched again.
 */
export class LocalBlocks extends FsBlockstore {
  readonly #sharding: NextToLast;
  readonly #shelves: readonly Shelf[];
  readonly #writes = new Map<string, Promise<CID>>();
  /** Set while garbage is collected: blocks somebody wants meanwhile. */
  #wanted: BlockSet | undefined;
  readonly #temporary: string;
  #writer: BlockWriter | undefined;
  #written = 0;
  readonly #many = new BlockFiles();
  /** Blocks being removed as garbage: whoever wants one waits until it is gone. */
  readonly #leaving = new Map<string, Promise<void>>();

  constructor(dir: string, shelves: readonly Shelf[] = []) {
    const shardingStrategy = new NextToLast();
    super(dir, { shardingStrategy });
    this.#sharding = shardingStrategy;
    this.#shelves = shelves;
    this.#temporary = join(dir, TEMPORARY);
  }

  /** Makes the folder, and removes what a crash left half written. */
  override async open(): Promise<void> {
    await super.open();
    await rm(this.#temporary, { recursive: true, force: true });
    await mkdir(this.#temporary);
  }

  /** Resolves when all that was put is written. */
  override async close(): Promise<void> {
    await Promise.allSettled(this.#writes.values());
    await this.#writer?.stop();
    this.#writer = undefined;
    await this.#many.stop();
    await super.close();
  }

  /**
   * Writes a block unless it is here, or over what is here of it, which may be damaged.
   *
   * @throws StorageError BLOCK_TOO_LARGE, DISK_FULL; what the file system says
   */
  override async put(cid: CID, value: Parameters<FsBlockstore['put']>[1], options?: { signal?: AbortSignal; replace?: boolean }): Promise<CID> {
    options?.signal?.throwIfAborted();
    if (value instanceof Uint8Array && value.length > MAX_BLOCK_BYTES) {
      throw new StorageError('BLOCK_TOO_LARGE', 'the block is too large', { details: `${cid}: ${value.length} bytes` });
    }
    if (identityBlock(cid) !== undefined) return cid;
    const replace = options?.replace === true;
    const key = `${blockKey(cid)}${replace ? ' over' : ''}`;
    let write = this.#writes.get(key);
    if (write === undefined) {
      write = this.#put(cid, value, replace).finally(() => this.#writes.delete(key));
      this.#writes.set(key, write);
    }
    return write;
  }

  override async has(cid: CID): Promise<boolean> {
    return await this.sizeOf(cid) !== undefined;
  }

  override async* get(cid: CID, options?: { signal?: AbortSignal }): AsyncGenerator<Uint8Array> {
    const block = await this.read(cid, options);
    if (block === undefined) throw new NotFoundError(`${cid} is not in the store`);
    yield block;
  }

  /** A block's bytes, our own unverified, an inline one's from its CID; undefined when it is not here. @throws StorageError BLOCK_TOO_LARGE for an inline one */
  async read(cid: CID, options: ReadInit = {}): Promise<Uint8Array | undefined> {
    const inline = identityBlock(cid);
    if (inline !== undefined) return inline;
    const own = await this.readOwn(cid, options);
    if (own !== undefined) return own;
    for (const shelf of this.#shelves) {
      const bytes = await shelf.find(cid).catch(() => undefined);
      if (bytes !== undefined) return bytes;
    }
    return undefined;
  }

  /** A block's size; undefined when it is not here. */
  async sizeOf(cid: CID): Promise<number | undefined> {
    const own = await this.sizeOfOwn(cid);
    if (own !== undefined) return own;
    for (const shelf of this.#shelves) {
      const size = await shelf.sizeOf(cid);
      if (size !== undefined) return size;
    }
    return undefined;
  }

  /** As `read`, without the shelves. */
  async readOwn(cid: CID, { signal, borrowed = false }: ReadInit = {}): Promise<Uint8Array | undefined> {
    await this.#want(cid);
    try {
      if (borrowed) return await readFileBorrowed(this.#pathOf(cid));
      const { buffer, byteOffset, length } = await readFile(this.#pathOf(cid), { signal });
      return new Uint8Array(buffer, byteOffset, length);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
      signal?.throwIfAborted();
      throw error;
    }
  }

  /** As `sizeOf`, without the shelves. */
  async sizeOfOwn(cid: CID): Promise<number | undefined> {
    await this.#want(cid);
    try {
      return (await stat(this.#pathOf(cid))).size;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
      throw error;
    }
  }

  /** Makes a path the same file as an own block; its size, or undefined where that cannot be. Its bytes are not verified. */
  async linkOwn(cid: CID, path: string): Promise<number | undefined> {
    await this.#want(cid);
    try {
      await link(this.#pathOf(cid), path);
      return (await stat(path)).size;
    } catch (error) {
      // Not here, too many names, another file system.
      if (['ENOENT', 'EMLINK', 'EXDEV', 'EPERM'].includes((error as NodeJS.ErrnoException).code ?? '')) return undefined;
      throw error;
    }
  }

  /** Of own blocks with a SHA-256 hash the bytes of each that is here and right; -1 for the rest, which may be here or not. */
  async verifyMany(cids: readonly CID[]): Promise<Int32Array> {
    await this.#wantMany(cids);
    return this.#many.deal({ kind: 'verify', paths: this.#pathsOf(cids), digests: Buffer.concat(cids.map(({ multihash }) => multihash.digest)) });
  }

  /** As `read`, of many leaves with a SHA-256 hash, verified; undefined for one that is to be read by itself, and may be here or not. */
  async readMany(cids: readonly CID[]): Promise<(Uint8Array | undefined)[]> {
    await this.#wantMany(cids);
    const digests = (these: readonly CID[]) => Buffer.concat(these.map(({ multihash }) => multihash.digest));
    const found = await this.#many.read({ paths: this.#pathsOf(cids), digests: digests(cids) });
    for (const { placesOf } of this.#shelves) {
      const missing = [...found.keys()].filter((i) => found[i] === undefined);
      if (placesOf === undefined || missing.length === 0) continue;
      const places = await placesOf(missing.map((i) => cids[i]!));
      const lying = missing.flatMap((i, at) => (places[at] === undefined ? [] : [{ i, place: places[at] }]));
      const read = await this.#many.read({ paths: lying.map(({ place }) => place.path), digests: digests(lying.map(({ i }) => cids[i]!)), places: lying.map(({ place }) => place) });
      for (const [at, { i }] of lying.entries()) found[i] = read[at];
    }
    return found;
  }

  /** As `sizeOfOwn`, of many; -1 for what is not here. */
  async sizesOfOwn(cids: readonly CID[]): Promise<Int32Array> {
    await this.#wantMany(cids);
    return this.#many.deal({ kind: 'measure', paths: this.#pathsOf(cids) });
  }

  /** As `linkOwn`, of many; -1 for one that cannot be linked. */
  async linkMany(cids: readonly CID[], targets: string[]): Promise<Int32Array> {
    if (cids.length < BLOCKS_WITHOUT_THREAD) return Int32Array.from(await Promise.all(cids.map((cid, i) => this.linkOwn(cid, targets[i]!).catch(() => undefined))), (bytes) => bytes ?? -1);
    await this.#wantMany(cids);
    return this.#many.deal({ kind: 'link', paths: this.#pathsOf(cids), targets });
  }

  /** The blocks of our own, in no order. */
  async* own(): AsyncGenerator<CID> {
    for (const folder of await readdir(this.path, { withFileTypes: true })) {
      if (!folder.isDirectory()) continue;
      for (const name of await readdir(join(this.path, folder.name))) {
        if (name.endsWith('.data')) yield CID.createV1(raw.code, decodeDigest(base32upper.decoder.decode(name.slice(0, -'.data'.length))));
      }
    }
  }

  /** Begins or ends noting which blocks are read or put again, for `sweep`. */
  noteWanted(note: boolean): void {
    this.#wanted = note ? new BlockSet() : undefined;
  }

  /** Removes blocks, but for those that somebody wanted since `noteWanted`. @returns the bytes of each that was removed */
  async sweep(cids: readonly CID[]): Promise<Int32Array> {
    const leaving = cids.filter((cid) => this.#wanted?.has(cid) !== true);
    const paths = this.#pathsOf(leaving);
    const gone = paths.length < BLOCKS_WITHOUT_THREAD ? Promise.all(paths.map(removed)).then((bytes) => Int32Array.from(bytes)) : this.#many.deal({ kind: 'remove', paths });
    const done = gone.then(() => {}, () => {});
    const keys = leaving.map(blockKey);
    for (const key of keys) this.#leaving.set(key, done);
    try {
      return (await gone).filter((bytes) => bytes >= 0);
    } finally {
      for (const key of keys) this.#leaving.delete(key);
    }
  }

  async #wantMany(cids: readonly CID[]): Promise<void> {
    if (this.#wanted !== undefined) for (const cid of cids) await this.#want(cid);
  }

  #pathsOf(cids: readonly CID[]): string[] {
    return cids.map((cid) => this.#pathOf(cid));
  }

  async #want(cid: CID): Promise<void> {
    if (this.#wanted === undefined) return;
    this.#wanted.add(cid);
    await this.#leaving.get(blockKey(cid));
  }

  async #put(cid: CID, value: Parameters<FsBlockstore['put']>[1], replace: boolean): Promise<CID> {
    await this.#want(cid);
    const bytes = value instanceof Uint8Array ? value : await concatenated(value);
    const path = this.#pathOf(cid);
    if (++this.#written > WRITES_WITHOUT_THREAD) await (this.#writer ??= new BlockWriter(this.#temporary)).write(path, bytes, { replace });
    else if (replace || await this.sizeOfOwn(cid) === undefined) await this.#writeHere(path, bytes);
    return cid;
  }

  async #writeHere(path: string, bytes: Uint8Array): Promise<void> {
    const draft = join(this.#temporary, randomUUID());
    try {
      await mkdir(dirname(path), { recursive: true });
      await writeFile(draft, bytes, { flag: 'wx' });
      await rename(draft, path);
    } catch (error) {
      await rm(draft, { force: true });
      const { code, message } = error as NodeJS.ErrnoException;
      if (code === 'ENOSPC' || code === 'EDQUOT') throw new StorageError('DISK_FULL', 'the disk is full', { details: message, cause: error });
      throw error;
    }
  }

  #pathOf(cid: CID): string {
    const { dir, file } = this.#sharding.encode(cid);
    return join(this.path, dir, file);
  }
}

export interface ReadInit {
  signal?: AbortSignal;
  /** Into memory that whoever reads gives back. */
  borrowed?: boolean;
}

/** Removes a file. @returns its bytes; -1 when it was gone */
async function removed(path: string): Promise<number> {
  try {
    const { size } = await stat(path);
    await rm(path);
    return size;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return -1;
    throw error;
  }
}

/** Where blocks are while they are written. */
const TEMPORARY = 'tmp';

async function concatenated(parts: Iterable<Uint8Array> | AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const all: Uint8Array[] = [];
  for await (const part of parts) all.push(part);
  return Buffer.concat(all);
}
