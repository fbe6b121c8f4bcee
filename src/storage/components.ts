import type { Libp2p } from '@libp2p/interface';
import { anySignal } from '../protocol/base/any-signal.ts';
import type { Bitswap } from './bitswap/bitswap.ts';
import type { PieceHttp } from './filecoin/piece-http.ts';
import type { FetchProgress } from './fetch/fetch-dag.ts';
import type { FileCache } from './inputs/file-cache.ts';
import { localSource } from './blocks/local-source.ts';
import type { LocalBlocks } from './blocks/local-blocks.ts';
import { Retention, type RetentionInit } from './retention/retention.ts';
import type { Catalogue } from './shelf/catalogue.ts';
import type { Shelf } from './shelf/shelf.ts';
import type { WatchedFolder } from './shelf/watched-folder.ts';
import type { Source } from './source.ts';
import { MAX_FETCH_BYTES } from './constants.ts';
import { createSuspects, type Suspects } from './fetch/suspects.ts';

/** What takes a while, how far it has come. */
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

/** What the parts of one storage share. */
export interface Shared {
  /** All sources, this machine's first. */
  sources: readonly Source[];
  suspects: Suspects;
  retention: Retention;
  maxFetchBytes: number;
  /** Work that writes: the end waits for it. */
  running: Set<Promise<unknown>>;
  /** Aborts with the storage too. */
  until(signal: AbortSignal | undefined): AbortSignal;
}

/** @param stopping raised when the storage ends */
export function createShared(components: StorageComponents, { maxFetchBytes = MAX_FETCH_BYTES, ...limits }: StorageLimits, stopping: AbortSignal): Shared {
  return {
    sources: [localSource(components.blocks), ...components.shelves, ...components.sources],
    suspects: createSuspects(), retention: new Retention(components, limits), maxFetchBytes, running: new Set(), until: (signal) => anySignal(signal, stopping),
  };
}

/** Ends what a storage is made of: services, extractions, folders, bitswap, blocks, catalogue, in this order. What runs must have been told to end. */
export async function stopComponents({ services = [], files, folders, bitswap, blocks, catalogue }: StorageComponents, { running, retention }: Shared): Promise<void> {
  for (const stop of services) await stop();
  await files.stop();
  await Promise.allSettled([...running, retention.idle()]);
  for (const folder of folders) await folder.stop();
  await bitswap?.stop();
  await blocks.close();
  await catalogue.close();
}
