import { lstat, open, type FileHandle } from 'node:fs/promises';
import { resolve } from 'node:path';
import type { Libp2p } from '@libp2p/interface';
import type { ReadableStorage } from 'ipfs-unixfs-exporter';
import type { CID } from 'multiformats/cid';
import type { Startable } from '../protocol/startable.ts';
import type { Bitswap } from './bitswap/helia.ts';
import { importCar } from './car/import-car.ts';
import { carStream, writeCar } from './car/write-car.ts';
import { createCascade } from './cascade.ts';
import {
  FETCH_CONCURRENCY, LOCATE_TIMEOUT_MS, MAX_FETCH_BYTES, SPACE_CHECK_BYTES,
} from './constants.ts';
import { StorageError } from './errors.ts';
import { fetchPiece } from './filecoin/fetch-piece.ts';
import { PieceHttp } from './filecoin/piece-http.ts';
import { createBudget, freeRetrieval } from './filecoin/retrieval-payment.ts';
import { fetchDag, type FetchProgress } from './fetch-dag.ts';
import { withHiddenBlocks } from './hidden/hidden-blocks.ts';
import type { Collected } from './local/collect-garbage.ts';
import type { FileCache } from './local/file-cache.ts';
import type { Holding } from './local/holdings.ts';
import { noteTree } from './local/in-place.ts';
import { Inputs, type Materialised } from './local/inputs.ts';
import type { LocalBlocks } from './local/local-blocks.ts';
import { localSource } from './local/local-source.ts';
import type { Locality } from './local/locality.ts';
import { newPath, refuseExisting } from './local/new-path.ts';
import { Retention, tracked, type RetentionInit } from './local/retention.ts';
import type { Catalogue } from './shelf/catalogue.ts';
import type { Shelf } from './shelf/shelf.ts';
import type { WatchedFolder } from './shelf/watched-folder.ts';
import { connectTo, locate, provide, type Location } from './reach.ts';
import type { Receipt, Source } from './source.ts';
import { createSuspects } from './suspects.ts';
import { extract } from './unixfs/extract.ts';
import { fileContent } from './unixfs/file-content.ts';
import { importBytes, importDirectory, importPath, importTree, type Added, type AddOptions, type DirectoryEntry, type TreeEntry } from './unixfs/import-tree.ts';
import { findEntry, listDirectory, type ListedEntry } from './unixfs/list-directory.ts';
import { openEntry } from './unixfs/open-entry.ts';
import { readInOrder } from './unixfs/read-in-order.ts';
import { identityBlock, verifyBlock } from './verify.ts';

export interface FetchOptions { signal?: AbortSignal; onProgress?: (progress: FetchProgress) => void }

export interface StorageComponents {
  blocks: LocalBlocks;
  files: FileCache;
  /** Folder of blocks that nobody is served from. */
  hiddenDir: string;
  catalogue: Catalogue;
  /** Blocks in files of this machine that are not ours, in order; `blocks` has them too. */
  shelves: readonly Shelf[];
  /** Folders that are followed. */
  folders: readonly WatchedFolder[];
  /** After the own blocks and the shelves, in order. */
  sources: readonly Source[];
  /** Providers of whole pieces. */
  pieces?: PieceHttp;
  /** Where the gateway listens, if there is one. */
  gatewayUrl?: string;
  /** Ended before all else is. */
  services?: readonly (() => Promise<void>)[];
  libp2p?: Libp2p;
  bitswap?: Bitswap;
}

/** How much may be kept and fetched; every field has a default in constants.ts. */
export interface StorageLimits extends RetentionInit {
  /** Bytes one fetch may take from the network. */
  maxFetchBytes?: number;
}

export interface AddInit extends AddOptions {
  /** Reference files where they lie instead of copying them. */
  noCopy?: boolean;
  /** Why it is kept; by default until it is removed. */
  why?: 'added' | 'result';
}

/**
 * Content-addressed data: added here, brought here by the cascade, handed to jobs as paths. Made by `createStorage`, which also starts it.
 *
 * Stop: services, extractions, folders, bitswap, blocks, catalogue, in this order; the libp2p host is the owner's to stop, after it.
 */
export class Storage implements Startable {
  readonly #components: StorageComponents;
  readonly #maxFetchBytes: number;
  readonly #retention: Retention;
  readonly #inputs: Inputs;
  /** Work that writes: the end waits for it. */
  readonly #fetching = new Set<Promise<unknown>>();
  readonly #sources: readonly Source[];
  readonly #suspects = createSuspects();
  readonly #stopping = new AbortController();
  #stopped: Promise<void> | undefined;

  constructor(components: StorageComponents, { maxFetchBytes = MAX_FETCH_BYTES, ...limits }: StorageLimits = {}) {
    this.#components = components;
    this.#maxFetchBytes = maxFetchBytes;
    this.#retention = new Retention(components, limits);
    this.#inputs = new Inputs({ ...components, retention: this.#retention, fetch: (cid, options) => this.fetch(cid, options) }, { maxBytes: maxFetchBytes });
    this.#sources = [localSource(components.blocks), ...components.shelves, ...components.sources];
  }

  /** Names of the sources, in the order in which they are asked. */
  get sources(): string[] {
    return this.#sources.map(({ name }) => name);
  }

  /** Where this storage's own gateway listens; undefined when it has none. */
  get gatewayUrl(): string | undefined {
    return this.#components.gatewayUrl;
  }

  /** Nothing to do: `createStorage` hands out what is started. */
  async start(): Promise<void> {}

  async stop(): Promise<void> {
    this.#stopped ??= (async () => {
      this.#stopping.abort(new Error('the storage is stopping'));
      const { services = [], files, folders, bitswap, blocks, catalogue } = this.#components;
      for (const stop of services) await stop();
      await files.stop();
      await Promise.allSettled([...this.#fetching, this.#retention.idle()]);
      for (const folder of folders) await folder.stop();
      await bitswap?.stop();
      await blocks.close();
      await catalogue.close();
    })();
    return this.#stopped;
  }

  /** Adds a file or folder of this machine, which stays until it is removed. @throws StorageError SOURCE_INVALID, FILE_CHANGED, DISK_FULL */
  async add(path: string, options: AddInit = {}): Promise<Added> {
    const { catalogue, blocks } = this.#components;
    const place = resolve(path);
    const added = await this.#add({ ...options, path: place }, (inner) => (
      importPath(blocks, place, { ...inner, ...(options.noCopy === true && { catalogue }) })));
    if (options.noCopy === true && (await lstat(place)).isDirectory() && added.skipped === 0) await noteTree(catalogue, added.cid, place);
    return added;
  }

  /** Adds bytes as a file. */
  addBytes(bytes: Uint8Array, options: AddInit = {}): Promise<Added> {
    return this.#add(options, (inner) => importBytes(this.#components.blocks, bytes, inner));
  }

  /** Adds a folder put together from host paths and bytes. @throws StorageError SOURCE_INVALID */
  addTree(entries: readonly TreeEntry[], options: AddInit = {}): Promise<Added> {
    return this.#add(options, (inner) => importTree(this.#components.blocks, entries, inner));
  }

  /** Adds a folder of what was added before. @throws StorageError SOURCE_INVALID */
  addDirectory(entries: readonly DirectoryEntry[], options: AddInit = {}): Promise<Added> {
    return this.#add(options, (inner) => importDirectory(this.#components.blocks, entries, inner));
  }

  /**
   * Adds a result put together from host paths and bytes as one file, which holds its CAR as `seal` makes it. The folder's own blocks are served
   * to nobody, and gone when this resolves.
   *
   * @returns the file, and the CID of the folder, `plain`
   * @throws StorageError SOURCE_INVALID, DISK_FULL; what `seal` throws
   */
  async addSealed(entries: readonly TreeEntry[], { seal, signal }: { seal: (car: AsyncIterable<Uint8Array>, plain: CID) => AsyncIterable<Uint8Array>; signal?: AbortSignal }): Promise<Added & { plain: CID }> {
    let plain: CID | undefined;
    const added = await this.#add({ why: 'result', ...(signal && { signal }) }, (inner) => withHiddenBlocks(this.#components.hiddenDir, async (hidden) => {
      plain = (await importTree(hidden, entries, inner)).cid;
      return importBytes(this.#components.blocks, seal(carStream(plain, (cid) => readBlock(hidden, cid), inner), plain), inner);
    }));
    return { ...added, plain: plain! };
  }

  #add({ path, noCopy, why = 'added', onProgress, signal }: AddInit & { path?: string }, run: (inner: AddOptions) => Promise<Added>): Promise<Added> {
    const until = this.#until(signal);
    return this.#retention.add(async () => {
      until.throwIfAborted();
      const added = await run({ ...(onProgress && { onProgress }), signal: until });
      const { cid, bytes, blocks } = added;
      await this.#retention.note(cid, { why: noCopy === true ? 'referenced' : why, bytes, blocks, ...(path !== undefined && { path }) });
      return added;
    });
  }

  /** What is here, and why. */
  holdings(): Promise<Holding[]> {
    return this.#retention.list();
  }

  /** Resolves when all that is in the folders now is known. */
  async settled(): Promise<void> {
    await Promise.all(this.#components.folders.map((folder) => folder.settled()));
  }

  /** A whole piece in a file of this machine: where, and the roots of the DAGs in it. @throws StorageError NOT_FOUND */
  async piece(cid: CID): Promise<{ path: string; roots: string[] }> {
    const file = await this.#components.catalogue.piece(cid);
    if (file === undefined) throw new StorageError('NOT_FOUND', 'no such piece is here', { details: cid.toString() });
    return { path: file.path, roots: file.roots };
  }

  /**
   * Fetches a whole piece from storage providers (those of the configuration unless others are given) and checks its commitment.
   *
   * @throws StorageError as `fetchPiece` of filecoin
   */
  async exportPiece(cid: CID, destination: string, { signal, onProgress, providers }: { signal?: AbortSignal; onProgress?: (progress: { bytes: number }) => void; providers?: readonly string[] } = {}): Promise<{ bytes: number }> {
    const pieces = providers === undefined ? this.#components.pieces : new PieceHttp({ providers: providers.map((url) => ({ url: new URL(url), trusted: true })), budget: createBudget(freeRetrieval) });
    if (pieces === undefined) throw new StorageError('NOT_FOUND', 'no storage provider is known', { details: cid.toString(), hint: 'storage.filecoin.providers names them' });
    return fetchPiece(pieces, cid, destination, { signal: this.#until(signal), requireSpace: (bytes) => this.requireSpace(bytes), ...(onProgress && { onProgress }) });
  }

  /** Files of the folders that could not be used, or not wholly, and why. */
  async problems(): Promise<{ path: string; problem: string }[]> {
    const problems: { path: string; problem: string }[] = [];
    for (const { name } of this.#components.shelves) {
      for await (const { path, problem } of this.#components.catalogue.files(name)) if (problem !== undefined) problems.push({ path, problem });
    }
    return problems;
  }

  /** Stops keeping a DAG; its blocks go with the next `collect`. What it references on disk is forgotten, not touched. @throws StorageError NOT_FOUND */
  remove(cid: CID): Promise<void> {
    return this.#retention.remove(cid);
  }

  /** Says until when a result stays, Unix time in ms. */
  keepUntil(cid: CID, time: number): Promise<void> {
    return this.#retention.keepUntil(cid, time);
  }

  /** Removes what is not needed any more: results whose time is over, fetched and unpacked data beyond `maxCacheBytes`, blocks that hang from nothing. */
  collect({ signal }: { signal?: AbortSignal } = {}): Promise<Collected> {
    return this.#retention.collect(this.#until(signal));
  }

  /** @throws StorageError DISK_FULL when so many bytes more would leave less than the reserve free */
  requireSpace(bytes: number): Promise<void> {
    return this.#retention.requireSpace(bytes);
  }

  /** How much of a DAG is here; asks nobody. */
  locality(cid: CID, { signal }: { signal?: AbortSignal } = {}): Promise<Locality> {
    return this.#inputs.locality(cid, this.#until(signal));
  }

  /** The DAG's bytes as far as they are known here; undefined when not even its root is. */
  async size(cid: CID, options: { signal?: AbortSignal } = {}): Promise<number | undefined> {
    const { totalBytes, share } = await this.locality(cid, options);
    return totalBytes === 0 && share < 1 ? undefined : totalBytes;
  }

  /** Brings every block of a DAG here. @throws StorageError NOT_FOUND, listing every source and why; LIMIT_EXCEEDED, DAG_INVALID, FORMAT_UNSUPPORTED, DISK_FULL */
  fetch(cid: CID, options: FetchOptions = {}): Promise<Receipt> {
    return tracked(this.#fetching, () => this.#fetch(cid, options));
  }

  async #fetch(cid: CID, { signal, onProgress }: FetchOptions): Promise<Receipt> {
    const until = this.#until(signal);
    until.throwIfAborted();
    const unpin = this.#retention.pin(cid);
    let unchecked = SPACE_CHECK_BYTES;
    const keep = async (block: CID, bytes: Uint8Array) => {
      unchecked += bytes.length;
      if (unchecked >= SPACE_CHECK_BYTES) {
        unchecked = 0;
        await this.requireSpace(0);
      }
      await this.#components.blocks.put(block, bytes);
    };
    try {
      // Held from now on, so that what has come is kept if the rest comes later.
      await this.#retention.note(cid, { why: 'fetched', bytes: 0, blocks: 0 });
      const receipt = await fetchDag(cid, {
        sources: this.#sources, keep, signal: until, maxFetchBytes: this.#maxFetchBytes, concurrency: FETCH_CONCURRENCY,
        cascade: { suspects: this.#suspects }, ...(onProgress && { onProgress }),
      });
      await this.#retention.note(cid, { why: 'fetched', bytes: receipt.bytes, blocks: receipt.blocks });
      return receipt;
    } finally {
      unpin();
    }
  }

  /**
   * The file or directory as a read-only path. What is referenced where it lies is that place, at once and whatever its size; anything
   * else is fetched and unpacked at first use, and there at once after that. The path stays until `release`, and after it until there
   * is no room.
   *
   * @throws StorageError as `fetch` and `export`
   */
  materialise(cid: CID, { signal, onProgress }: FetchOptions = {}): Promise<Materialised> {
    return this.#inputs.materialise(cid, { signal: this.#until(signal), ...(onProgress && { onProgress }) });
  }

  /** Removes unpacked data nobody uses, the longest unused first, until at most `maxBytes` of it are left; blocks stay. */
  evict(options: { maxBytes: number; signal?: AbortSignal }): Promise<{ removed: number; bytes: number }> {
    return this.#components.files.evict(options);
  }

  /** Fetches a DAG and writes it to a path that must not exist. @throws StorageError DESTINATION_EXISTS, ENTRY_HOSTILE, ENTRY_UNSUPPORTED, DISK_FULL; as `fetch` */
  async export(cid: CID, destination: string, { signal, onProgress }: FetchOptions = {}): Promise<Receipt> {
    const until = this.#until(signal);
    await refuseExisting(resolve(destination));
    const receipt = await this.fetch(cid, { signal: until, ...(onProgress && { onProgress }) });
    const maxBytes = Math.max(this.#maxFetchBytes, receipt.bytes);
    await newPath(destination, (draft) => extract(this.#components.blocks, cid, draft, { signal: until, maxBytes, fileMode: 0o644 }));
    return receipt;
  }

  /**
   * Fetches a file that `addSealed` made, and writes the folder in it, or its CAR, to a path that must not exist. Nobody is served the folder's
   * own blocks.
   *
   * @param plain CID of the folder
   * @param open gives the CAR back
   * @throws StorageError ROOT_DIFFERS, CAR_INVALID, BLOCK_INVALID, NOT_FOUND when the CAR lacks a block; what `open` throws; as `export`
   */
  exportSealed(cid: CID, plain: CID, destination: string, { open: unseal, car = false, signal, onProgress }: FetchOptions & { open: (sealed: AsyncIterable<Uint8Array>) => AsyncIterable<Uint8Array>; car?: boolean }): Promise<Receipt> {
    return tracked(this.#fetching, async () => {
      const until = this.#until(signal);
      await refuseExisting(resolve(destination));
      const receipt = await this.fetch(cid, { signal: until, ...(onProgress && { onProgress }) });
      const bytes = await this.size(cid, { signal: until }) ?? receipt.bytes;
      // The folder's blocks, and what is written.
      await this.requireSpace(2 * bytes);
      await withHiddenBlocks(this.#components.hiddenDir, async (hidden) => {
        await importCar(hidden, unseal(this.cat(cid, { signal: until })), plain, { signal: until });
        const read = (block: CID) => readBlock(hidden, block);
        await newPath(destination, (draft) => (car
          ? writeFileFrom(draft, (file) => writeCar(file, plain, read, { signal: until }))
          : extract({ async* get(block) { yield await read(block); } }, plain, draft, { signal: until, maxBytes: Math.max(this.#maxFetchBytes, bytes), fileMode: 0o644 })));
      });
      return receipt;
    });
  }

  /** The bytes of a file, fetched as they are read. @throws StorageError NOT_A_FILE, NOT_FOUND, DAG_INVALID */
  async* cat(cid: CID, { signal, offset = 0, length = Infinity }: { signal?: AbortSignal; offset?: number; length?: number } = {}): AsyncGenerator<Uint8Array> {
    const until = this.#until(signal);
    const reader = this.#reader(until);
    const entry = await openEntry(reader, cid, until);
    if (entry.type === 'directory' || entry.type === 'object') throw new StorageError('NOT_A_FILE', 'this is not a file', { details: cid.toString() });
    yield* fileContent(reader, entry, { signal: until, offset, length });
  }

  /**
   * The contents of all files of these DAGs, one after the other, or a range of them; only what is on this machine is read, and verified.
   * What comes is the same bytes on every machine: see `readInOrder` of unixfs for the order.
   *
   * @throws StorageError NOT_FOUND when a block is not here, DAG_INVALID, ENTRY_UNSUPPORTED
   */
  readInOrder(cids: Iterable<CID>, { signal, ...range }: { signal?: AbortSignal; offset?: number; length?: number } = {}): AsyncGenerator<Uint8Array> {
    const until = this.#until(signal);
    const { blocks } = this.#components;
    return readInOrder(this.#reader(until, this.#sources.filter(({ local }) => local)), cids, { signal: until, ...range, sizeOf: (leaf) => blocks.sizeOf(leaf) });
  }

  /** Fetches a DAG and writes it as a CARv1 to a path that must not exist. @throws StorageError DESTINATION_EXISTS, DISK_FULL; as `fetch` */
  async exportCar(cid: CID, destination: string, { signal, onProgress }: FetchOptions = {}): Promise<Receipt> {
    const until = this.#until(signal);
    const receipt = await this.fetch(cid, { signal: until, ...(onProgress && { onProgress }) });
    const cascade = createCascade(this.#sources.filter(({ local }) => local));
    await newPath(destination, (draft) => writeFileFrom(draft, (file) => (
      writeCar(file, cid, async (block) => (await cascade.read(block, { signal: until })).bytes, { signal: until }))));
    return receipt;
  }

  /** The entries of a directory, by name; only the directory's own blocks and the roots of its entries are fetched. @throws StorageError NOT_A_DIRECTORY, ENTRY_HOSTILE, NOT_FOUND, DAG_INVALID */
  ls(cid: CID, { signal }: { signal?: AbortSignal } = {}): Promise<ListedEntry[]> {
    const until = this.#until(signal);
    return listDirectory(this.#reader(until), cid, until);
  }

  /** CID of one entry of a directory; only the directory's own blocks are fetched. @throws StorageError NOT_A_DIRECTORY, NOT_FOUND, DAG_INVALID */
  entry(cid: CID, name: string, { signal }: { signal?: AbortSignal } = {}): Promise<CID> {
    const until = this.#until(signal);
    return findEntry(this.#reader(until), cid, name, until);
  }

  /** Asks every source whether it has the CID's first block. Never throws but the signal's reason. */
  async locate(cid: CID, { signal, timeoutMs = LOCATE_TIMEOUT_MS }: { signal?: AbortSignal; timeoutMs?: number } = {}): Promise<Location[]> {
    const locations = await locate(this.#sources, cid, AbortSignal.any([this.#until(signal), AbortSignal.timeout(timeoutMs)]));
    signal?.throwIfAborted();
    return locations;
  }

  /** Announces on the DHT that this node has the CID; false when nobody could be told. */
  async provide(cid: CID, { signal }: { signal?: AbortSignal } = {}): Promise<boolean> {
    const { libp2p } = this.#components;
    const told = libp2p !== undefined && await provide(libp2p, cid, this.#until(signal));
    signal?.throwIfAborted();
    return told;
  }

  /** Connects to a peer that has data. @returns its peer id @throws StorageError PEER_UNREACHABLE */
  connect(addresses: readonly string[], { signal }: { signal?: AbortSignal } = {}): Promise<string> {
    return connectTo(this.#components.libp2p, addresses, this.#until(signal));
  }

  /** Blocks through the cascade, kept as they come: for reading a part of a DAG. */
  #reader(signal: AbortSignal, sources = this.#sources): ReadableStorage {
    const cascade = createCascade(sources, { suspects: this.#suspects });
    const { blocks } = this.#components;
    return {
      async* get(cid) {
        const inline = identityBlock(cid);
        if (inline !== undefined) return yield inline;
        const { bytes, source } = await cascade.read(cid, { signal });
        if (source.local !== true) await blocks.put(cid, bytes);
        yield bytes;
      },
    };
  }

  #until(signal: AbortSignal | undefined): AbortSignal {
    return signal === undefined ? this.#stopping.signal : AbortSignal.any([signal, this.#stopping.signal]);
  }
}

/** A verified block of a store. @throws StorageError NOT_FOUND, BLOCK_INVALID */
async function readBlock(blocks: LocalBlocks, cid: CID): Promise<Uint8Array> {
  const bytes = await blocks.read(cid);
  if (bytes === undefined) throw new StorageError('NOT_FOUND', 'a block is missing', { details: cid.toString() });
  verifyBlock(cid, bytes);
  return bytes;
}

async function writeFileFrom(path: string, write: (file: FileHandle) => Promise<unknown>): Promise<void> {
  const file = await open(path, 'wx');
  try {
    await write(file);
  } finally {
    await file.close();
  }
}
