import { lstat, open } from 'node:fs/promises';
import { resolve } from 'node:path';
import type { Libp2p } from '@libp2p/interface';
import { multiaddr } from '@multiformats/multiaddr';
import type { ReadableStorage } from 'ipfs-unixfs-exporter';
import type { CID } from 'multiformats/cid';
import { abortable } from '../protocol/abortable.ts';
import { messageOf } from '../protocol/errors.ts';
import type { Startable } from '../protocol/startable.ts';
import type { Bitswap } from './bitswap/helia.ts';
import { writeCar } from './car/write-car.ts';
import { createCascade } from './cascade.ts';
import {
  DIAL_TIMEOUT_MS, FETCH_CONCURRENCY, LOCATE_TIMEOUT_MS, MAX_CACHE_BYTES, MAX_FETCH_BYTES, PROVIDE_TIMEOUT_MS, READ_CONCURRENCY, RESERVE_BYTES, SPACE_CHECK_BYTES,
} from './constants.ts';
import { StorageError } from './errors.ts';
import { fetchDag, type FetchProgress } from './fetch-dag.ts';
import { collectGarbage, type Collected } from './local/collect-garbage.ts';
import type { FileCache } from './local/file-cache.ts';
import { Holdings, type Holding } from './local/holdings.ts';
import { findInPlace, forgetFiles, noteTree } from './local/in-place.ts';
import type { LocalBlocks } from './local/local-blocks.ts';
import { localSource } from './local/local-source.ts';
import { measureLocality, type Locality } from './local/locality.ts';
import { Pins } from './local/pins.ts';
import { newPath, refuseExisting } from './local/new-path.ts';
import { requireSpace } from './local/require-space.ts';
import type { Catalogue } from './shelf/catalogue.ts';
import type { Shelf } from './shelf/shelf.ts';
import type { WatchedFolder } from './shelf/watched-folder.ts';
import type { Receipt, Source } from './source.ts';
import { createSuspects } from './suspects.ts';
import { extract, openEntry } from './unixfs/extract.ts';
import { importBytes, importPath, importTree, type Added, type AddOptions, type TreeEntry } from './unixfs/import-tree.ts';
import { listDirectory, type ListedEntry } from './unixfs/list-directory.ts';
import { readInOrder } from './unixfs/read-in-order.ts';
import { FILES_SHELF } from './unixfs/reference-file.ts';
import { identityBlock } from './verify.ts';

/** Data of a DAG as a path on this machine, read-only, until released. */
export interface Materialised {
  path: string;
  receipt: Receipt;
  /** After the last use: whether the path held still meanwhile. @throws StorageError FILE_CHANGED */
  check(): Promise<void>;
  /** May be called twice. */
  release(): Promise<void>;
}

/** Which source has a CID's first block, and how long it took to say so. */
export interface Location { source: string; has: boolean; ms: number; error?: string }

export interface FetchOptions { signal?: AbortSignal; onProgress?: (progress: FetchProgress) => void }

export interface StorageComponents {
  blocks: LocalBlocks;
  files: FileCache;
  catalogue: Catalogue;
  /** Blocks in files of this machine that are not ours, in order; `blocks` has them too. */
  shelves: readonly Shelf[];
  /** Folders that are followed. */
  folders: readonly WatchedFolder[];
  /** After the own blocks and the shelves, in order. */
  sources: readonly Source[];
  /** Where the gateway listens, if there is one. */
  gatewayUrl?: string;
  /** Ended before all else is. */
  services?: readonly (() => Promise<void>)[];
  libp2p?: Libp2p;
  bitswap?: Bitswap;
}

/** How much may be kept and fetched; every field has a default in constants.ts. */
export interface StorageLimits {
  /** Bytes one fetch may take from the network. */
  maxFetchBytes?: number;
  /** Bytes that inputs fetched for jobs may keep, and as much again unpacked. */
  maxCacheBytes?: number;
  /** Bytes of the disk that stay free. */
  reserveBytes?: number;
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
  readonly #limits: Required<StorageLimits>;
  readonly #holdings: Holdings;
  readonly #pins = new Pins();
  /** Work that writes: a collection waits for the additions, the end for all of it. */
  readonly #adding = new Set<Promise<unknown>>();
  readonly #fetching = new Set<Promise<unknown>>();
  readonly #sources: readonly Source[];
  readonly #suspects = createSuspects();
  readonly #stopping = new AbortController();
  #stopped: Promise<void> | undefined;

  constructor(components: StorageComponents, { maxFetchBytes = MAX_FETCH_BYTES, maxCacheBytes = MAX_CACHE_BYTES, reserveBytes = RESERVE_BYTES }: StorageLimits = {}) {
    this.#components = components;
    this.#limits = { maxFetchBytes, maxCacheBytes, reserveBytes };
    this.#holdings = new Holdings(components.catalogue);
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
      await Promise.allSettled([...this.#adding, ...this.#fetching, this.#collecting]);
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

  #add({ path, noCopy, why = 'added', onProgress, signal }: AddInit & { path?: string }, run: (inner: AddOptions) => Promise<Added>): Promise<Added> {
    const until = this.#until(signal);
    return tracked(this.#adding, async () => {
      until.throwIfAborted();
      await this.requireSpace(0);
      const added = await run({ ...(onProgress && { onProgress }), signal: until });
      const { cid, bytes, blocks } = added;
      await this.#holdings.note(cid, { why: noCopy === true ? 'referenced' : why, bytes, blocks, ...(path !== undefined && { path }) });
      return added;
    });
  }

  /** What is here, and why. */
  holdings(): Promise<Holding[]> {
    return this.#holdings.list();
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

  /** Files of the folders that could not be used, or not wholly, and why. */
  async problems(): Promise<{ path: string; problem: string }[]> {
    const problems: { path: string; problem: string }[] = [];
    for (const { name } of this.#components.shelves) {
      for await (const { path, problem } of this.#components.catalogue.files(name)) if (problem !== undefined) problems.push({ path, problem });
    }
    return problems;
  }

  /** Stops keeping a DAG; its blocks go with the next `collect`. What it references on disk is forgotten, not touched. @throws StorageError NOT_FOUND */
  async remove(cid: CID): Promise<void> {
    const { catalogue } = this.#components;
    const holding = await this.#holdings.find(cid);
    if (holding === undefined) throw new StorageError('NOT_FOUND', 'this is not held here', { details: cid.toString(), hint: 'gadus data ls shows what is' });
    await this.#holdings.remove(cid);
    if (holding.why === 'referenced' && holding.path !== undefined) await forgetFiles(catalogue, cid, holding.path);
  }

  /** Says until when a result stays, Unix time in ms. */
  keepUntil(cid: CID, time: number): Promise<void> {
    return this.#holdings.keepUntil(cid, time);
  }

  /** Removes what is not needed any more: results whose time is over, fetched and unpacked data beyond `maxCacheBytes`, blocks that hang from nothing. */
  async collect({ signal }: { signal?: AbortSignal } = {}): Promise<Collected> {
    const { blocks, files } = this.#components;
    const { maxCacheBytes } = this.#limits;
    const until = this.#until(signal);
    await files.evict({ maxBytes: maxCacheBytes, signal: until });
    this.#collecting ??= collectGarbage({ blocks, holdings: this.#holdings }, {
      signal: until, maxFetchedBytes: maxCacheBytes, isPinned: (cid) => this.#pins.has(cid),
      quiet: () => Promise.allSettled(this.#adding),
    }).finally(() => { this.#collecting = undefined; });
    return this.#collecting;
  }

  #collecting: Promise<Collected> | undefined;

  /** @throws StorageError DISK_FULL when so many bytes more would leave less than the reserve free */
  requireSpace(bytes: number): Promise<void> {
    return requireSpace(this.#components.blocks.path, bytes, this.#limits.reserveBytes);
  }

  /** How much of a DAG is here; asks nobody. */
  async locality(cid: CID, { signal }: { signal?: AbortSignal } = {}): Promise<Locality> {
    const { catalogue } = this.#components;
    const holding = await findInPlace(catalogue, cid) && await this.#holdings.find(cid);
    if (holding !== undefined) return { heldBytes: holding.bytes, blocks: holding.blocks, totalBytes: holding.bytes, share: 1 };
    return measureLocality(this.#components.blocks, cid, { signal: this.#until(signal) });
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
    const unpin = this.#pins.pin(cid);
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
      await this.#holdings.note(cid, { why: 'fetched', bytes: 0, blocks: 0 });
      const receipt = await fetchDag(cid, {
        sources: this.#sources, keep, signal: until, maxFetchBytes: this.#limits.maxFetchBytes, concurrency: FETCH_CONCURRENCY,
        cascade: { suspects: this.#suspects }, ...(onProgress && { onProgress }),
      });
      await this.#holdings.note(cid, { why: 'fetched', bytes: receipt.bytes, blocks: receipt.blocks });
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
  async materialise(cid: CID, { signal, onProgress }: FetchOptions = {}): Promise<Materialised> {
    const { files, blocks, catalogue } = this.#components;
    const started = performance.now();
    const served = (source: string, totals: { bytes: number; blocks: number }): Receipt => {
      const ms = Math.round(performance.now() - started);
      return { cid: cid.toString(), ...totals, ms, sources: [{ name: source, local: true, ...totals, ms, errors: [] }] };
    };
    const lying = await findInPlace(catalogue, cid);
    const holding = lying && await this.#holdings.find(cid);
    if (lying !== undefined) {
      const { bytes, blocks: count } = holding ?? await this.#sizeInPlace(cid, signal);
      return { path: lying.path, receipt: served(FILES_SHELF, { bytes, blocks: count }), check: lying.check, release: async () => {} };
    }
    let receipt: Receipt | undefined;
    const unpin = this.#pins.pin(cid);
    try {
      const found = await files.findOrFill(cid, async (path, inner) => {
        receipt = await this.fetch(cid, { signal: inner, ...(onProgress && { onProgress }) });
        await this.requireSpace(receipt.bytes);
        const { bytes } = await extract(blocks, cid, path, {
          signal: inner, maxBytes: Math.max(this.#limits.maxFetchBytes, receipt.bytes), fileMode: 0o444, linkBlock: (block, target) => blocks.linkOwn(block, target),
        });
        return { bytes, dagBytes: receipt.bytes, dagBlocks: receipt.blocks };
      }, this.#until(signal));
      await this.#holdings.touch(cid);
      return {
        path: found.path,
        receipt: receipt ?? served('local', { bytes: found.dagBytes, blocks: found.dagBlocks }),
        async check() {},
        async release() {
          if (unpin()) files.unpin(cid);
        },
      };
    } catch (error) {
      unpin();
      throw error;
    }
  }

  async #sizeInPlace(cid: CID, signal: AbortSignal | undefined): Promise<{ bytes: number; blocks: number }> {
    const { heldBytes, blocks } = await this.locality(cid, { ...(signal && { signal }) });
    return { bytes: heldBytes, blocks };
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
    const maxBytes = Math.max(this.#limits.maxFetchBytes, receipt.bytes);
    await newPath(destination, (draft) => extract(this.#components.blocks, cid, draft, { signal: until, maxBytes, fileMode: 0o644 }));
    return receipt;
  }

  /** The bytes of a file, fetched as they are read. @throws StorageError NOT_A_FILE, NOT_FOUND, DAG_INVALID */
  async* cat(cid: CID, { signal, offset, length }: { signal?: AbortSignal; offset?: number; length?: number } = {}): AsyncGenerator<Uint8Array> {
    const until = this.#until(signal);
    const entry = await openEntry(this.#reader(until), cid, until);
    if (entry.type === 'directory' || entry.type === 'object') throw new StorageError('NOT_A_FILE', 'this is not a file', { details: cid.toString() });
    yield* entry.content({
      signal: until, blockReadConcurrency: READ_CONCURRENCY, ...(offset !== undefined && { offset }), ...(length !== undefined && { length }),
    });
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
    await newPath(destination, async (draft) => {
      const file = await open(draft, 'wx');
      try {
        await writeCar(file, cid, async (block) => (await cascade.read(block, { signal: until })).bytes, { signal: until });
      } finally {
        await file.close();
      }
    });
    return receipt;
  }

  /** The entries of a directory, by name; only the directory's own blocks and the roots of its entries are fetched. @throws StorageError NOT_A_DIRECTORY, ENTRY_HOSTILE, NOT_FOUND, DAG_INVALID */
  ls(cid: CID, { signal }: { signal?: AbortSignal } = {}): Promise<ListedEntry[]> {
    const until = this.#until(signal);
    return listDirectory(this.#reader(until), cid, until);
  }

  /** Asks every source whether it has the CID's first block. Never throws but the signal's reason. */
  async locate(cid: CID, { signal, timeoutMs = LOCATE_TIMEOUT_MS }: { signal?: AbortSignal; timeoutMs?: number } = {}): Promise<Location[]> {
    const until = AbortSignal.any([this.#until(signal), AbortSignal.timeout(timeoutMs)]);
    const locations = await Promise.all(this.#sources.map(async (source): Promise<Location> => {
      const started = performance.now();
      const outcome = await abortable(source.has(cid, { signal: until }), until)
        .then((has) => ({ has }), (error: unknown) => ({ has: false, error: messageOf(error) }));
      return { source: source.name, ms: Math.round(performance.now() - started), ...outcome };
    }));
    signal?.throwIfAborted();
    return locations;
  }

  /** Announces on the DHT that this node has the CID; false when nobody could be told. */
  async provide(cid: CID, { signal }: { signal?: AbortSignal } = {}): Promise<boolean> {
    const { libp2p } = this.#components;
    if (libp2p === undefined) return false;
    const until = AbortSignal.any([this.#until(signal), AbortSignal.timeout(PROVIDE_TIMEOUT_MS)]);
    try {
      await abortable(libp2p.contentRouting.provide(cid, { signal: until }), until);
      return true;
    } catch {
      signal?.throwIfAborted();
      return false;
    }
  }

  /** Connects to a peer that has data. @returns its peer id @throws StorageError PEER_UNREACHABLE */
  async connect(addresses: readonly string[], { signal }: { signal?: AbortSignal } = {}): Promise<string> {
    const { libp2p } = this.#components;
    try {
      if (libp2p === undefined) throw new Error('this storage has no network');
      const connection = await libp2p.dial(addresses.map((address) => multiaddr(address)), {
        signal: AbortSignal.any([this.#until(signal), AbortSignal.timeout(DIAL_TIMEOUT_MS)]),
      });
      return connection.remotePeer.toString();
    } catch (cause) {
      signal?.throwIfAborted();
      throw new StorageError('PEER_UNREACHABLE', 'the peer cannot be reached', { details: `${addresses.join(', ').slice(0, 300)}: ${messageOf(cause)}`, cause });
    }
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

/** Runs work that the set knows of while it lasts. */
async function tracked<T>(set: Set<Promise<unknown>>, work: () => Promise<T>): Promise<T> {
  const running = work();
  set.add(running);
  try {
    return await running;
  } finally {
    set.delete(running);
  }
}
