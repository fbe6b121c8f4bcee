import { randomUUID } from 'node:crypto';
import { lstat, rename, rm } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import type { Libp2p } from '@libp2p/interface';
import { multiaddr } from '@multiformats/multiaddr';
import type { LevelDatastore } from 'datastore-level';
import type { ReadableStorage } from 'ipfs-unixfs-exporter';
import type { CID } from 'multiformats/cid';
import { messageOf } from '../protocol/errors.ts';
import type { Startable } from '../protocol/startable.ts';
import { createCascade } from './cascade.ts';
import { DIAL_TIMEOUT_MS, FETCH_CONCURRENCY, LOCATE_TIMEOUT_MS, MAX_FETCH_BYTES, PROVIDE_TIMEOUT_MS, READ_CONCURRENCY } from './constants.ts';
import { StorageError } from './errors.ts';
import { checkName, extract, openEntry } from './extract.ts';
import { fetchDag, type FetchProgress } from './fetch-dag.ts';
import type { FileCache } from './file-cache.ts';
import type { Bitswap } from './helia.ts';
import { importBytes, importPath, importTree, type Added, type AddOptions, type TreeEntry } from './import-tree.ts';
import type { LocalBlocks } from './local-blocks.ts';
import { localSource } from './local-source.ts';
import { measureLocality, type Locality } from './locality.ts';
import { abortable } from '../protocol/abortable.ts';
import type { Receipt, Source } from './source.ts';
import { identityBlock } from './verify.ts';

/** Data of a DAG as a path on this machine, read-only, until released. */
export interface Materialised {
  path: string;
  receipt: Receipt;
  /** May be called twice. */
  release(): Promise<void>;
}

/** Which source has a CID's first block, and how long it took to say so. */
export interface Location { source: string; has: boolean; ms: number; error?: string }

/** An entry of a directory. */
export interface ListedEntry { name: string; cid: CID; type: 'file' | 'directory' | 'symlink' | 'other'; /** Of a file its bytes, of a directory what the DAG claims. */ bytes: number }

export interface FetchOptions { signal?: AbortSignal; onProgress?: (progress: FetchProgress) => void }

export interface StorageComponents {
  blocks: LocalBlocks;
  datastore: LevelDatastore;
  files: FileCache;
  /** After the local one, in order. */
  sources: readonly Source[];
  libp2p?: Libp2p;
  bitswap?: Bitswap;
}

/**
 * Content-addressed data: added here, brought here by the cascade, handed to jobs as paths. Made by `createStorage`, which also starts it.
 *
 * Stop: extractions, bitswap, datastore, in this order; the libp2p host is the owner's to stop, after it.
 */
export class Storage implements Startable {
  readonly #components: StorageComponents;
  readonly #maxFetchBytes: number;
  readonly #sources: readonly Source[];
  readonly #stopping = new AbortController();
  #stopped: Promise<void> | undefined;

  constructor(components: StorageComponents, { maxFetchBytes = MAX_FETCH_BYTES }: { maxFetchBytes?: number } = {}) {
    this.#components = components;
    this.#maxFetchBytes = maxFetchBytes;
    this.#sources = [localSource(components.blocks), ...components.sources];
  }

  /** Names of the sources, in the order in which they are asked. */
  get sources(): string[] {
    return this.#sources.map(({ name }) => name);
  }

  /** Nothing to do: `createStorage` hands out what is started. */
  async start(): Promise<void> {}

  async stop(): Promise<void> {
    this.#stopped ??= (async () => {
      this.#stopping.abort(new Error('the storage is stopping'));
      const { files, bitswap, datastore } = this.#components;
      await files.stop();
      await bitswap?.stop();
      await datastore.close();
    })();
    return this.#stopped;
  }

  /** Adds a file or folder of this machine; links are left out. @throws StorageError SOURCE_INVALID */
  add(path: string, options: AddOptions = {}): Promise<Added> {
    return importPath(this.#components.blocks, path, { ...options, signal: this.#until(options.signal) });
  }

  /** Adds bytes as a file. */
  addBytes(bytes: Uint8Array, options: AddOptions = {}): Promise<Added> {
    return importBytes(this.#components.blocks, bytes, { ...options, signal: this.#until(options.signal) });
  }

  /** Adds a folder put together from host paths and bytes. @throws StorageError SOURCE_INVALID */
  addTree(entries: readonly TreeEntry[], options: AddOptions = {}): Promise<Added> {
    return importTree(this.#components.blocks, entries, { ...options, signal: this.#until(options.signal) });
  }

  /** How much of a DAG is here; asks nobody. */
  locality(cid: CID, { signal }: { signal?: AbortSignal } = {}): Promise<Locality> {
    return measureLocality(this.#components.blocks, cid, { signal: this.#until(signal) });
  }

  /** The DAG's bytes as far as they are known here; undefined when not even its root is. */
  async size(cid: CID, options: { signal?: AbortSignal } = {}): Promise<number | undefined> {
    const { totalBytes, share } = await this.locality(cid, options);
    return totalBytes === 0 && share < 1 ? undefined : totalBytes;
  }

  /** Brings every block of a DAG here. @throws StorageError NOT_FOUND, listing every source and why; LIMIT_EXCEEDED, DAG_INVALID, FORMAT_UNSUPPORTED */
  fetch(cid: CID, { signal, onProgress }: FetchOptions = {}): Promise<Receipt> {
    return fetchDag(cid, {
      sources: this.#sources, keep: (block, bytes) => this.#components.blocks.put(block, bytes),
      signal: this.#until(signal), maxFetchBytes: this.#maxFetchBytes, concurrency: FETCH_CONCURRENCY, ...(onProgress && { onProgress }),
    });
  }

  /**
   * The file or directory as a read-only path, fetched and unpacked at first use, and there at once after that. The path stays until
   * `release`, and after it until `evict`.
   *
   * @throws StorageError as `fetch` and `export`
   */
  async materialise(cid: CID, { signal, onProgress }: FetchOptions = {}): Promise<Materialised> {
    const { files, blocks } = this.#components;
    const started = performance.now();
    let receipt: Receipt | undefined;
    const found = await files.findOrFill(cid, async (path, inner) => {
      receipt = await this.fetch(cid, { signal: inner, ...(onProgress && { onProgress }) });
      const { bytes } = await extract(blocks, cid, path, { signal: inner, maxBytes: Math.max(this.#maxFetchBytes, receipt.bytes), fileMode: 0o444 });
      return { bytes, dagBytes: receipt.bytes, dagBlocks: receipt.blocks };
    }, this.#until(signal));
    const ms = Math.round(performance.now() - started);
    let held = true;
    return {
      path: found.path,
      receipt: receipt ?? {
        cid: cid.toString(), bytes: found.dagBytes, blocks: found.dagBlocks, ms,
        sources: [{ name: 'local', blocks: found.dagBlocks, bytes: found.dagBytes, ms, errors: [] }],
      },
      async release() {
        if (held) files.unpin(cid);
        held = false;
      },
    };
  }

  /** Removes unpacked data nobody uses, the longest unused first, until at most `maxBytes` of it are left; blocks stay. */
  evict(options: { maxBytes: number; signal?: AbortSignal }): Promise<{ removed: number; bytes: number }> {
    return this.#components.files.evict(options);
  }

  /** Fetches a DAG and writes it to a path that must not exist. @throws StorageError DESTINATION_EXISTS, ENTRY_HOSTILE, ENTRY_UNSUPPORTED, DISK_FULL; as `fetch` */
  async export(cid: CID, destination: string, { signal, onProgress }: FetchOptions = {}): Promise<Receipt> {
    const target = resolve(destination);
    const until = this.#until(signal);
    await refuseExisting(target);
    const receipt = await this.fetch(cid, { signal: until, ...(onProgress && { onProgress }) });
    const draft = join(dirname(target), `.${basename(target)}.${randomUUID()}`);
    try {
      await extract(this.#components.blocks, cid, draft, { signal: until, maxBytes: Math.max(this.#maxFetchBytes, receipt.bytes), fileMode: 0o644 });
      await refuseExisting(target);
      await rename(draft, target);
    } finally {
      await rm(draft, { recursive: true, force: true });
    }
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

  /** The entries of a directory, by name; only the directory's own blocks and the roots of its entries are fetched. @throws StorageError NOT_A_DIRECTORY, ENTRY_HOSTILE, NOT_FOUND, DAG_INVALID */
  async ls(cid: CID, { signal }: { signal?: AbortSignal } = {}): Promise<ListedEntry[]> {
    const until = this.#until(signal);
    const store = this.#reader(until);
    const directory = await openEntry(store, cid, until);
    if (directory.type !== 'directory') throw new StorageError('NOT_A_DIRECTORY', 'this is not a directory', { details: cid.toString() });
    const listed: ListedEntry[] = [];
    for await (const { name, cid: child, size } of directory.entries({ signal: until })) {
      checkName(name);
      const entry = child.code === 0x55 ? undefined : await openEntry(store, child, until);
      const type = entry === undefined || entry.type === 'raw' || entry.type === 'identity' ? 'file'
        : entry.type === 'object' ? 'other'
          : entry.type === 'file' && entry.unixfs.type === 'symlink' ? 'symlink' : entry.type;
      listed.push({ name, cid: child, type, bytes: Number(entry?.type === 'file' ? entry.size : size) });
    }
    return listed.sort((a, b) => (a.name < b.name ? -1 : 1));
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
  #reader(signal: AbortSignal): ReadableStorage {
    const cascade = createCascade(this.#sources);
    const { blocks } = this.#components;
    return {
      async* get(cid) {
        const inline = identityBlock(cid);
        if (inline !== undefined) return yield inline;
        const { bytes, source } = await cascade.read(cid, { signal });
        if (source !== 'local') await blocks.put(cid, bytes);
        yield bytes;
      },
    };
  }

  #until(signal: AbortSignal | undefined): AbortSignal {
    return signal === undefined ? this.#stopping.signal : AbortSignal.any([signal, this.#stopping.signal]);
  }
}

async function refuseExisting(path: string): Promise<void> {
  if (await lstat(path).then(() => true, () => false)) {
    throw new StorageError('DESTINATION_EXISTS', 'the destination exists', { details: path, hint: 'nothing is overwritten: choose another path' });
  }
}
