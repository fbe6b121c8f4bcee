import type { CID } from 'multiformats/cid';
import type { Startable } from '../protocol/base/startable.ts';
import { Adding, type AddedSealed, type AddInit, type SealInit } from './add/adding.ts';
import type { CarInput, ImportedCars } from './add/import-cars.ts';
import { createShared, stopComponents, type FetchOptions, type Shared, type StorageComponents, type StorageLimits } from './components.ts';
import { Fetching, type PieceOptions } from './fetch/fetching.ts';
import type { Unseal, Unsealing } from './hidden/unsealing.ts';
import type { Collected } from './retention/collect-garbage.ts';
import type { Holding } from './retention/holdings.ts';
import { Inputs, type Materialised } from './inputs/inputs.ts';
import type { Locality } from './inputs/locality.ts';
import { Reach, type Location, type ReachOptions } from './fetch/reach.ts';
import { Reading, type ReadOptions } from './read/reading.ts';
import type { Receipt } from './source.ts';
import { pieceFile, problemsOf } from './shelf/shelved.ts';
import type { Added, DirectoryEntry, TreeEntry } from './unixfs/import-tree.ts';
import type { ListedEntry } from './unixfs/list-directory.ts';

/**
 * Content-addressed data: added here, brought here by the cascade, handed to jobs as paths. Made by `createStorage`, which also starts it.
 * Stop: see `stopComponents`; the libp2p host is the owner's to stop, after it.
 */
export class Storage implements Startable {
  /** Names of the sources, in the order in which they are asked. */
  readonly sources: readonly string[];
  /** Where this storage's own gateway listens; undefined when it has none. */
  readonly gatewayUrl: string | undefined;
  readonly #components: StorageComponents;
  readonly #shared: Shared;
  readonly #inputs: Inputs;
  readonly #adding: Adding;
  readonly #fetching: Fetching;
  readonly #reading: Reading;
  readonly #reach: Reach;
  readonly #stopping = new AbortController();
  #stopped: Promise<void> | undefined;

  constructor(components: StorageComponents, limits: StorageLimits = {}) {
    this.#components = components;
    const shared = this.#shared = createShared(components, limits, this.#stopping.signal);
    this.sources = shared.sources.map(({ name }) => name);
    this.gatewayUrl = components.gatewayUrl;
    this.#inputs = new Inputs({ ...components, retention: shared.retention, fetch: (cid, options) => this.fetch(cid, options) }, { maxBytes: shared.maxFetchBytes });
    this.#adding = new Adding(components, shared);
    this.#reading = new Reading(components, shared);
    this.#reach = new Reach(components, shared);
    this.#fetching = new Fetching(components, shared, {
      cat: (cid, signal) => this.#reading.catFetched(cid, signal), size: async (cid, signal) => await this.#inputs.size(cid, signal) ?? 0,
    });
  }

  /** Nothing to do: `createStorage` hands out what is started. */
  async start(): Promise<void> {}

  async stop(): Promise<void> {
    this.#stopping.abort(new Error('the storage is stopping'));
    return this.#stopped ??= stopComponents(this.#components, this.#shared);
  }

  /** Adds a file or folder of this machine, which stays until it is removed. @throws StorageError SOURCE_INVALID, FILE_CHANGED, DISK_FULL */
  add(path: string, options: AddInit = {}): Promise<Added> {
    return this.#adding.path(path, options);
  }

  /** Adds bytes, at once or as they come, as a file, or as a folder with a file of that name. @throws StorageError SOURCE_INVALID for a name that is none, DISK_FULL; what the bytes throw */
  addBytes(bytes: Uint8Array | AsyncIterable<Uint8Array>, options: AddInit & { name?: string } = {}): Promise<Added> {
    return this.#adding.bytes(bytes, options);
  }

  /** Adds what is in CARs, every block verified; the DAGs whose roots they name stay until they are removed. @throws StorageError as `importCars` */
  importCars(cars: readonly CarInput[], options: Pick<AddInit, 'signal' | 'onProgress'> = {}): Promise<ImportedCars> {
    return this.#adding.cars(cars, options);
  }

  /** Adds a folder put together from host paths and bytes. @throws StorageError SOURCE_INVALID */
  addTree(entries: readonly TreeEntry[], options: AddInit = {}): Promise<Added> {
    return this.#adding.tree(entries, options);
  }

  /** Adds a folder of what was added before. @throws StorageError SOURCE_INVALID */
  addDirectory(entries: readonly DirectoryEntry[], options: AddInit = {}): Promise<Added> {
    return this.#adding.directory(entries, options);
  }

  /**
   * Adds a result put together from host paths and bytes as one file, which holds its CAR as `seal` makes it. What of the folder has to be stored for that
   * is served to nobody, and gone when this resolves; leaves of larger files are read again where they lie.
   * @returns the file; the CID of the folder, `plain`, and what its blocks weigh @throws StorageError SOURCE_INVALID, FILE_CHANGED, DISK_FULL; what `seal` throws
   */
  addSealed(entries: readonly TreeEntry[], init: SealInit): Promise<AddedSealed> {
    return this.#adding.sealedTree(entries, init);
  }

  /** As `addSealed`, a folder of DAGs that need not be here: the CAR has the folder's own blocks alone. @throws StorageError SOURCE_INVALID, DISK_FULL; what `seal` throws */
  addSealedDirectory(entries: readonly DirectoryEntry[], init: SealInit): Promise<AddedSealed> {
    return this.#adding.sealedDirectory(entries, init);
  }

  /** What is here, and why. */
  holdings(): Promise<Holding[]> {
    return this.#shared.retention.list();
  }

  /** Resolves when all that is in the folders now is known. */
  async settled(): Promise<void> {
    await Promise.all(this.#components.folders.map((folder) => folder.settled()));
  }

  /** A whole piece in a file of this machine: where, and the roots of the DAGs in it. @throws StorageError NOT_FOUND */
  piece(cid: CID): Promise<{ path: string; roots: string[] }> {
    return pieceFile(this.#components.catalogue, cid);
  }

  /** Fetches a whole piece from storage providers (those of the configuration unless others are given) and checks its commitment. @throws StorageError as `fetchPiece` */
  exportPiece(cid: CID, destination: string, options: PieceOptions = {}): Promise<{ bytes: number }> {
    return this.#fetching.exportPiece(cid, destination, options);
  }

  /** Files of the folders that could not be used, or not wholly, and why. */
  problems(): Promise<{ path: string; problem: string }[]> {
    return problemsOf(this.#components.catalogue, this.#components.shelves);
  }

  /** Stops keeping a DAG; its blocks go with the next `collect`. What it references on disk is forgotten, not touched. @throws StorageError NOT_FOUND */
  remove(cid: CID): Promise<void> {
    return this.#shared.retention.remove(cid);
  }

  /** Says until when a result stays, Unix time in ms. */
  keepUntil(cid: CID, time: number): Promise<void> {
    return this.#shared.retention.keepUntil(cid, time);
  }

  /** Removes what is not needed any more: results whose time is over, fetched and unpacked data beyond `maxCacheBytes`, blocks that hang from nothing. */
  collect({ signal, onProgress }: { signal?: AbortSignal; onProgress?: (removed: Collected) => void } = {}): Promise<Collected> {
    return this.#shared.retention.collect(this.#shared.until(signal), onProgress);
  }

  /** @throws StorageError DISK_FULL when so many bytes more would leave less than the reserve free */
  requireSpace(bytes: number): Promise<void> {
    return this.#shared.retention.requireSpace(bytes);
  }

  /** How much of a DAG is here; asks nobody. */
  locality(cid: CID, { signal }: { signal?: AbortSignal } = {}): Promise<Locality> {
    return this.#inputs.locality(cid, this.#shared.until(signal));
  }

  /** The DAG's bytes as far as they are known here; undefined when not even its root is. */
  size(cid: CID, { signal }: { signal?: AbortSignal } = {}): Promise<number | undefined> {
    return this.#inputs.size(cid, this.#shared.until(signal));
  }

  /**
   * Brings every block of a DAG here, which stays until it is removed if it is to be kept.
   * @throws StorageError NOT_FOUND, listing every source and why; LIMIT_EXCEEDED, DAG_INVALID, FORMAT_UNSUPPORTED, DISK_FULL
   */
  fetch(cid: CID, { keep = false, ...options }: FetchOptions & { keep?: boolean } = {}): Promise<Receipt> {
    return keep ? this.#fetching.keep(cid, options) : this.#fetching.fetch(cid, options);
  }

  /**
   * The file or directory as a read-only path: where it lies if it is referenced there, whatever its size; else it is fetched and unpacked at first use, and there
   * at once after that. The path stays until `release`, and after it until there is no room.
   * @throws StorageError as `fetch` and `export`
   */
  materialise(cid: CID, { signal, onProgress }: FetchOptions = {}): Promise<Materialised> {
    return this.#inputs.materialise(cid, { signal: this.#shared.until(signal), ...(onProgress && { onProgress }) });
  }

  /** Removes unpacked data nobody uses, the longest unused first, until at most `maxBytes` of it are left; blocks stay. */
  evict(options: { maxBytes: number; signal?: AbortSignal }): Promise<{ removed: number; bytes: number }> {
    return this.#components.files.evict(options);
  }

  /** Fetches a DAG and writes it to a path that must not exist. @throws StorageError DESTINATION_EXISTS, ENTRY_HOSTILE, ENTRY_UNSUPPORTED, DISK_FULL; as `fetch` */
  export(cid: CID, destination: string, options: FetchOptions = {}): Promise<Receipt> {
    return this.#fetching.export(cid, destination, options);
  }

  /**
   * Fetches a file that `addSealed` made, and writes the folder in it (CID `plain`), or its CAR, to a path that must not exist. Nobody is served the folder's own blocks.
   * @throws StorageError ROOT_DIFFERS, CAR_INVALID, BLOCK_INVALID, NOT_FOUND when the CAR lacks a block; what `open` throws; as `export`
   */
  exportSealed(cid: CID, plain: CID, destination: string, options: FetchOptions & { open: Unseal; car?: boolean }): Promise<Receipt> {
    return this.#fetching.exportSealed(cid, plain, destination, options);
  }

  /**
   * Writes a DAG, or its CAR, that is brought together from sealed files, to a path that must not exist. Nobody is served its blocks.
   * @param fill opens the files, and returns the DAG's root @throws StorageError DESTINATION_EXISTS, NOT_FOUND when a block lacks; what `fill` throws; as `export`
   */
  exportUnsealed(destination: string, fill: (unsealing: Unsealing) => Promise<CID>, options: FetchOptions & { car?: boolean } = {}): Promise<void> {
    return this.#fetching.exportUnsealed(destination, fill, options);
  }

  /** The bytes of a file, fetched as they are read. @throws StorageError NOT_A_FILE, NOT_FOUND, DAG_INVALID */
  cat(cid: CID, options: ReadOptions = {}): AsyncGenerator<Uint8Array> {
    return this.#reading.cat(cid, options);
  }

  /**
   * The contents of all files of these DAGs (see `readInOrder` of unixfs for the order), or a range of them; only what is on this machine is read, and verified.
   * @throws StorageError NOT_FOUND when a block is not here, DAG_INVALID, ENTRY_UNSUPPORTED
   */
  readInOrder(cids: Iterable<CID>, options: ReadOptions = {}): AsyncGenerator<Uint8Array> {
    return this.#reading.inOrder(cids, options);
  }

  /** Fetches a DAG and writes it as a CARv1 to a path that must not exist. @throws StorageError DESTINATION_EXISTS, DISK_FULL; as `fetch` */
  exportCar(cid: CID, destination: string, options: FetchOptions = {}): Promise<Receipt> {
    return this.#fetching.exportCar(cid, destination, options);
  }

  /** The entries of a directory, by name; only the directory's own blocks and the roots of its entries are fetched. @throws StorageError NOT_A_DIRECTORY, ENTRY_HOSTILE, NOT_FOUND, DAG_INVALID */
  ls(cid: CID, { signal }: { signal?: AbortSignal } = {}): Promise<ListedEntry[]> {
    return this.#reading.ls(cid, signal);
  }

  /** CID of one entry of a directory; only the directory's own blocks are fetched. @throws StorageError NOT_A_DIRECTORY, NOT_FOUND, DAG_INVALID */
  entry(cid: CID, name: string, { signal }: { signal?: AbortSignal } = {}): Promise<CID> {
    return this.#reading.entry(cid, name, signal);
  }

  /** Asks every source whether it has the CID's first block. Never throws but the signal's reason. */
  locate(cid: CID, options: ReachOptions = {}): Promise<Location[]> {
    return this.#reach.locate(cid, options);
  }

  /** Whether any source has the CID's first block, as soon as one says so. Never throws but the signal's reason. */
  isFindable(cid: CID, options: ReachOptions = {}): Promise<boolean> {
    return this.#reach.isFindable(cid, options);
  }

  /** Announces on the DHT that this node has the CID; false when nobody could be told. Never throws but the signal's reason. */
  provide(cid: CID, options: ReachOptions = {}): Promise<boolean> {
    return this.#reach.provide(cid, options);
  }

  /** Connects to a peer that has data. @returns its peer id @throws StorageError PEER_UNREACHABLE */
  connect(addresses: readonly string[], { signal }: { signal?: AbortSignal } = {}): Promise<string> {
    return this.#reach.connect(addresses, signal);
  }
}
