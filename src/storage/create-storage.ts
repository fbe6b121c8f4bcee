import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Libp2p } from '@libp2p/interface';
import { LevelDatastore } from 'datastore-level';
import { messageOf } from '../protocol/errors.ts';
import { bitswapSource } from './bitswap-source.ts';
import { StorageError } from './errors.ts';
import { FileCache } from './file-cache.ts';
import { startBitswap } from './helia.ts';
import { kuboSource } from './kubo-source.ts';
import { LocalBlocks } from './local-blocks.ts';
import type { Source } from './source.ts';
import { Storage } from './storage.ts';

export interface StorageInit {
  /** Folder of blocks, metadata and unpacked files. */
  dir: string;
  /** RPC API of a Kubo node, e.g. `http://127.0.0.1:5001`: asked instead of bitswap; our blocks are served by bitswap all the same. */
  kuboUrl?: string;
  /** Bytes one fetch may take from the network. */
  maxFetchBytes?: number;
}

/**
 * Opens the storage in a folder and starts it. Without a host it knows only what is on this machine (and Kubo, if configured).
 *
 * @throws StorageError STORE_LOCKED when another process has it open
 * @example
 * const storage = await createStorage({ libp2p: host }, { dir: '/var/lib/gadus/storage' })
 * const { cid } = await storage.add('/data/genome.fa')
 */
export async function createStorage({ libp2p }: { libp2p?: Libp2p }, { dir, kuboUrl, maxFetchBytes }: StorageInit): Promise<Storage> {
  await mkdir(dir, { recursive: true });
  const datastore = new LevelDatastore(join(dir, 'data'));
  try {
    await datastore.open();
  } catch (cause) {
    throw new StorageError('STORE_LOCKED', 'the storage cannot be opened', {
      details: `${dir}: ${messageOf((cause as Error).cause ?? cause)}`, cause, hint: 'is another node running on this folder?',
    });
  }
  try {
    const blocks = new LocalBlocks(join(dir, 'blocks'));
    await blocks.open();
    const files = new FileCache(dir);
    await files.start();
    const bitswap = libp2p === undefined ? undefined : await startBitswap({ libp2p, blocks, datastore });
    const sources: Source[] = [];
    if (kuboUrl !== undefined) sources.push(kuboSource(kuboUrl));
    else if (libp2p !== undefined && bitswap !== undefined) sources.push(bitswapSource({ libp2p, bitswap }));
    return new Storage(
      { blocks, datastore, files, sources, ...(libp2p && { libp2p }), ...(bitswap && { bitswap }) },
      maxFetchBytes === undefined ? {} : { maxFetchBytes },
    );
  } catch (error) {
    await datastore.close();
    throw error;
  }
}
