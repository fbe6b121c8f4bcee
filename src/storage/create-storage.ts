import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Libp2p } from '@libp2p/interface';
import type { CID } from 'multiformats/cid';
import { messageOf } from '../protocol/base/errors.ts';
import { StorageError } from './errors.ts';
import { allowRoots } from './gateway/allow-roots.ts';
import { serveGateway, type ServeGatewayInit } from './gateway/serve-gateway.ts';
import { Holdings } from './retention/holdings.ts';
import { readVerified } from './blocks/read-verified.ts';
import { DirectDoor } from './peer-car/direct-door.ts';
import { serveCar } from './peer-car/serve-car.ts';
import { remoteSources, type RemoteInit } from './fetch/remote-sources.ts';
import { FileCache } from './inputs/file-cache.ts';
import { Bitswap } from './bitswap/bitswap.ts';
import { LocalBlocks } from './blocks/local-blocks.ts';
import { carFormat } from './car/car-format.ts';
import { pieceFormat, sectorFormat } from './piece/formats.ts';
import { openFile } from './shelf/byte-reader.ts';
import { Catalogue } from './shelf/catalogue.ts';
import { createShelf } from './shelf/shelf.ts';
import { WatchedFolder, type OnProblem } from './shelf/watched-folder.ts';
import type { StorageLimits } from './components.ts';
import { Storage } from './storage.ts';
import { blockKey } from './unixfs/links.ts';
import { FILES_SHELF } from './unixfs/reference-file.ts';

export interface StorageInit {
  /** Folder of blocks, metadata and unpacked files. */
  dir: string;
  /** RPC API of a Kubo node, e.g. `http://127.0.0.1:5001`: asked instead of bitswap; our blocks are served by bitswap all the same. */
  kuboUrl?: string;
  /** Folders whose files are read where they lie: CARs, whole pieces, unsealed sectors. */
  folders?: { cars?: readonly string[]; pieces?: readonly string[]; sectors?: readonly string[] };
  limits?: StorageLimits;
  /** Where else data may come from. */
  remote?: RemoteInit;
  /** A trustless gateway for what is here. */
  gateway?: ServeGatewayInit & {
    /** Which DAGs may be asked for by their roots: results of jobs, all that is held for its own sake, or every block. */
    allow?: 'results' | 'pinned' | 'all';
  };
  /** Blocks that are given to nobody: neither by gateway nor by CAR stream nor by bitswap. */
  denied?: readonly CID[];
  /**
   * The TCP port by which peers fetch whole DAGs beside libp2p, several times as fast; any free one by default, none when false. Who cannot
   * reach it is served by libp2p.
   */
  directPort?: number | false;
  /** Told of files in these folders that cannot be used. */
  onProblem?: OnProblem;
}

/** What lies on shelves, in the order in which they are asked. */
const FORMATS = [['cars', carFormat], ['pieces', pieceFormat], ['sectors', sectorFormat]] as const;

/**
 * Opens the storage in a folder and starts it. Without a host it knows only what is on this machine (and Kubo, if configured).
 *
 * @throws StorageError STORE_LOCKED when another process has it open
 * @example
 * const storage = await createStorage({ libp2p: host }, { dir: '/var/lib/gadus/storage' })
 * const { cid } = await storage.add('/data/genome.fa')
 */
export async function createStorage({ libp2p }: { libp2p?: Libp2p }, { dir, kuboUrl, folders = {}, limits, remote = {}, gateway, denied = [], directPort = 0, onProblem }: StorageInit): Promise<Storage> {
  await mkdir(dir, { recursive: true });
  const catalogue = new Catalogue(join(dir, 'catalogue'));
  try {
    await catalogue.open();
  } catch (cause) {
    throw new StorageError('STORE_LOCKED', 'the storage cannot be opened', {
      details: `${dir}: ${messageOf((cause as Error).cause ?? cause)}`, cause, hint: 'is another node running on this folder?',
    });
  }
  try {
    const watched = FORMATS.flatMap(([kind, format]) => (folders[kind] ?? []).map((folder) => (
      new WatchedFolder({ catalogue, format }, { dir: folder, ...(onProblem && { onProblem }) }))));
    const shelves = [
      createShelf({ catalogue, open: openFile }, FILES_SHELF, (path) => catalogue.distrust(path)),
      ...FORMATS.filter(([kind]) => (folders[kind]?.length ?? 0) > 0).map(([kind, { open }]) => createShelf({ catalogue, open }, kind)),
    ];
    const hiddenDir = join(dir, 'hidden');
    // What a crash left of it.
    await rm(hiddenDir, { recursive: true, force: true });
    const blocks = new LocalBlocks(join(dir, 'blocks'), shelves);
    await blocks.open();
    const files = new FileCache(dir);
    await files.start();
    const deny = new Set(denied.map(blockKey));
    const isDenied = (cid: CID) => deny.has(blockKey(cid));
    const read = (cid: CID) => readVerified(blocks, cid);
    const bitswap = libp2p === undefined ? undefined : new Bitswap({
      libp2p, read: async (cid) => (isDenied(cid) ? undefined : readVerified(blocks, cid, { borrowed: false })), sizeOf: async (cid) => (isDenied(cid) ? undefined : blocks.sizeOf(cid)),
    });
    await bitswap?.start();
    const { sources, pieces } = remoteSources({ catalogue, ...(libp2p && { libp2p }), ...(bitswap && { bitswap }) }, { ...remote, ...(kuboUrl !== undefined && { kuboUrl }) });
    const readMany = (cids: readonly CID[]) => blocks.readMany(cids);
    const served = gateway === undefined ? undefined : await serveGateway({ read, readMany, isDenied, allows: allowRoots(new Holdings(catalogue), gateway.allow) }, gateway);
    const door = libp2p === undefined || directPort === false ? undefined : await openDoor(libp2p, directPort);
    const services = [
      ...(served === undefined ? [] : [() => served.stop()]),
      ...(libp2p === undefined ? [] : [await serveCar({ libp2p, read, readMany }, { allow: (cid) => !isDenied(cid), ...(door && { door }) })]),
      ...(door === undefined ? [] : [() => door.stop()]),
    ];
    for (const folder of watched) await folder.start();
    return new Storage(
      { blocks, files, hiddenDir, catalogue, shelves, folders: watched, sources, services, ...(pieces && { pieces }), ...(served && { gatewayUrl: served.url }), ...(libp2p && { libp2p }), ...(bitswap && { bitswap }) }, limits,
    );
  } catch (error) {
    await catalogue.close();
    throw error;
  }
}

/** Where libp2p listens: on this machine alone, or wherever it can be reached. None where it does not listen at all. */
async function openDoor(libp2p: Libp2p, port: number): Promise<DirectDoor | undefined> {
  const hosts = libp2p.getMultiaddrs().flatMap((address) => address.getComponents().flatMap(({ name, value }) => (name === 'ip4' || name === 'ip6' ? [value ?? ''] : [])));
  if (hosts.length === 0) return undefined;
  const local = hosts.every((host) => host === '::1' || host.startsWith('127.'));
  const door = new DirectDoor({ port, host: !local ? (hosts.some((host) => host.includes(':')) ? '::' : '0.0.0.0') : hosts[0]! });
  await door.start();
  return door;
}
