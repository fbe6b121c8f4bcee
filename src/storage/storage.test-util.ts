import { createHash, randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { noise } from '@libp2p/noise';
import { yamux } from '@libp2p/yamux';
import * as dagPb from '@ipld/dag-pb';
import { identify } from '@libp2p/identify';
import type { Libp2p, ServiceMap } from '@libp2p/interface';
import { kadDHT, passthroughMapper } from '@libp2p/kad-dht';
import { ping } from '@libp2p/ping';
import { tcp } from '@libp2p/tcp';
import { createLibp2p, type ServiceFactoryMap } from 'libp2p';
import { CID } from 'multiformats/cid';
import * as raw from 'multiformats/codecs/raw';
import { create as createDigest } from 'multiformats/hashes/digest';
import { writeVarint } from './car/varint.ts';
import { createStorage, type StorageInit } from './create-storage.ts';
import { StorageError } from './errors.ts';
import type { Source } from './source.ts';
import type { Storage } from './storage.ts';

/** A folder that goes with the test. */
export async function tempDir(t: TestContext): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), 'gadus-storage-'));
  t.after(() => rm(dir, { recursive: true, force: true }));
  return dir;
}

/** A bare host on loopback, with a DHT if asked for. */
export async function startHost(t: TestContext, { dht = false } = {}): Promise<Libp2p> {
  const host = await createLibp2p<ServiceMap>({
    addresses: { listen: ['/ip4/127.0.0.1/tcp/0'] }, transports: [tcp()], connectionEncrypters: [noise()], streamMuxers: [yamux()],
    connectionManager: { inboundConnectionThreshold: 1000 },
    services: {
      identify: identify(), ping: ping(),
      ...(dht && { dht: kadDHT({ protocol: '/lan/kad/1.0.0', peerInfoMapper: passthroughMapper, clientMode: false, allowQueryWithZeroPeers: true }) }),
    } as unknown as ServiceFactoryMap,
  });
  t.after(() => host.stop());
  return host;
}

/** A storage in a fresh folder, with a host of its own unless told otherwise. */
export async function startStorage(t: TestContext, init: Partial<StorageInit> & { libp2p?: Libp2p; offline?: boolean } = {}): Promise<{ storage: Storage; host: Libp2p; dir: string }> {
  const { libp2p, offline, ...rest } = init;
  const host = libp2p ?? await startHost(t);
  const dir = rest.dir ?? await tempDir(t);
  const storage = await createStorage(offline === true ? {} : { libp2p: host }, { ...rest, dir });
  t.after(() => storage.stop());
  return { storage, host, dir };
}

/** Random bytes as a raw block. */
export function randomBlock(size = 100): { cid: CID; bytes: Uint8Array } {
  const bytes = new Uint8Array(randomBytes(size));
  return { cid: cidOf(bytes), bytes };
}

export function cidOf(bytes: Uint8Array, codec: number = raw.code): CID {
  return CID.createV1(codec, createDigest(0x12, createHash('sha256').update(bytes).digest()));
}

/** Type 1 of UnixFS: a directory. */
export const DIRECTORY = new Uint8Array([8, 1]);

/** A dag-pb block made by hand, valid or not. */
export function node(data: Uint8Array, links: { Name: string; Hash: CID; Tsize?: number }[]): { cid: CID; bytes: Uint8Array } {
  const bytes = dagPb.encode({ Data: data, Links: links.map((link) => ({ Tsize: 0, ...link })) });
  return { cid: cidOf(bytes, dagPb.code), bytes };
}

/** A source made of blocks, which counts and can be told to misbehave. */
export function memorySource(name: string, blocks: Iterable<{ cid: CID; bytes: Uint8Array }>, behave?: (cid: CID, signal: AbortSignal) => Promise<Uint8Array> | undefined): Source & { reads: number; active: number; peak: number } {
  const held = new Map([...blocks].map(({ cid, bytes }) => [cid.toString(), bytes]));
  const source = {
    name, reads: 0, active: 0, peak: 0,
    has: async (cid: CID) => held.has(cid.toString()),
    async read(cid: CID, { signal }: { signal: AbortSignal }) {
      source.reads++;
      source.peak = Math.max(source.peak, ++source.active);
      try {
        const odd = behave?.(cid, signal);
        if (odd !== undefined) return await odd;
        await new Promise((resolve) => { setImmediate(resolve); });
        const bytes = held.get(cid.toString());
        if (bytes === undefined) throw new StorageError('NOT_FOUND', 'not in memory');
        return bytes;
      } finally {
        source.active--;
      }
    },
  };
  return source;
}

/**
 * A UnixFS file of bytes of its own and then those of others, made by hand.
 *
 * @param change makes the sizes it states of those others
 */
export function fileNode(own: Uint8Array, children: readonly { cid: CID; bytes: number }[], change: (sizes: number[]) => number[] = (sizes) => sizes): { cid: CID; bytes: Uint8Array } {
  const sizes = change(children.map(({ bytes }) => bytes));
  // Data { Type = 1, Data = 2, filesize = 3, blocksizes = 4 }
  const data = Buffer.concat([
    Uint8Array.of(8, 2, 0x12), writeVarint(own.length), own, Uint8Array.of(0x18), writeVarint(sizes.reduce((sum, size) => sum + size, own.length)),
    ...sizes.map((size) => Buffer.concat([Uint8Array.of(0x20), writeVarint(size)])),
  ]);
  return node(data, children.map(({ cid, bytes }) => ({ Name: '', Hash: cid, Tsize: bytes })));
}
