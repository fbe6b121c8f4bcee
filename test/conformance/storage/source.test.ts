import { createHash } from 'node:crypto';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { NextToLast } from 'blockstore-fs/sharding';
import { CID } from 'multiformats/cid';
import { gatewaySource } from '../../../src/storage/gateway/gateway-source.ts';
import { createStandings } from '../../../src/storage/gateway/host-standing.ts';
import { serveGateway } from '../../../src/storage/gateway/serve-gateway.ts';
import { CAR_PROTOCOL } from '../../../src/storage/peer-car/constants.ts';
import { peerSource } from '../../../src/storage/peer-car/peer-source.ts';
import { serveCar } from '../../../src/storage/peer-car/serve-car.ts';
import { bitswapSource } from '../../../src/storage/bitswap/bitswap-source.ts';
import { Bitswap } from '../../../src/storage/bitswap/bitswap.ts';
import { BITSWAP_PROTOCOL } from '../../../src/storage/bitswap/constants.ts';
import { kuboSource } from '../../../src/storage/kubo/kubo-source.ts';
import { LocalBlocks } from '../../../src/storage/blocks/local-blocks.ts';
import { localSource } from '../../../src/storage/blocks/local-source.ts';
import { startHost, tempDir } from '../../../src/storage/storage.test-util.ts';
import { carFormat } from '../../../src/storage/car/car-format.ts';
import { carOf, carV2Of } from '../../../src/storage/car/car.test-util.ts';
import { pieceFormat, sectorFormat } from '../../../src/storage/piece/formats.ts';
import { sectorOf } from '../../../src/storage/piece/sector.test-util.ts';
import { openFile } from '../../../src/storage/shelf/byte-reader.ts';
import { Catalogue } from '../../../src/storage/shelf/catalogue.ts';
import { identityAt } from '../../../src/storage/shelf/file-identity.ts';
import { createShelf } from '../../../src/storage/shelf/shelf.ts';
import { WatchedFolder, type Format } from '../../../src/storage/shelf/watched-folder.ts';
import { blockKey } from '../../../src/storage/unixfs/links.ts';
import { FILES_SHELF } from '../../../src/storage/unixfs/reference-file.ts';
import { testSource, type Block } from './source-suite.ts';

async function openBlocks(t: TestContext): Promise<{ blocks: LocalBlocks; corrupt: (cid: CID, bytes: Uint8Array) => Promise<void>; dir: string }> {
  const dir = await tempDir(t);
  const blocks = new LocalBlocks(join(dir, 'blocks'));
  await blocks.open();
  return {
    blocks, dir,
    async corrupt(cid, bytes) {
      const { dir: folder, file } = new NextToLast().encode(cid);
      await writeFile(join(dir, 'blocks', folder, file), bytes);
    },
  };
}

testSource('local', async (t) => {
  const { blocks, corrupt } = await openBlocks(t);
  return { source: localSource(blocks), corrupt, put: async (cid, bytes) => { await blocks.put(cid, bytes); } };
});

/** Files of this machine in a folder that is followed: each block in a file of its own. */
function testFolder(name: string, format: Format, file: (cid: CID, bytes: Uint8Array) => Promise<{ name: string; bytes: Uint8Array }>): void {
  testSource(name, async (t) => {
    const dir = await tempDir(t);
    const catalogue = new Catalogue(join(dir, 'catalogue'));
    await catalogue.open();
    const folder = new WatchedFolder({ catalogue, format }, { dir: join(dir, 'folder') });
    await mkdir(join(dir, 'folder'));
    await folder.start();
    t.after(async () => { await folder.stop(); await catalogue.close(); });
    const write = async ({ cid, bytes }: Block) => {
      const { name: fileName, bytes: content } = await file(cid, bytes);
      await writeFile(join(dir, 'folder', fileName), content);
    };
    const put = async (block: Block) => {
      await write(block);
      await folder.settled();
    };
    return {
      source: createShelf({ catalogue, open: format.open }, format.shelf),
      put: (cid, bytes) => put({ cid, bytes }),
      corrupt: (cid, bytes) => put({ cid, bytes }),
      async putAll(blocks) {
        for (const block of blocks) await write(block);
        await folder.settled();
      },
    };
  });
}

const carName = (cid: CID) => `${createHash('sha256').update(cid.bytes).digest('hex')}.car`;

testFolder('CARs of version 1', carFormat, async (cid, bytes) => ({ name: carName(cid), bytes: carOf(cid, [{ cid, bytes }]) }));
testFolder('CARs of version 2, by their own index', carFormat, async (cid, bytes) => ({ name: carName(cid), bytes: carV2Of(cid, [{ cid, bytes }], 'multihash') }));

const numbers = new Map<string, number>();
const numberOf = (cid: CID) => {
  const number = numbers.get(String(cid)) ?? numbers.size + 1;
  numbers.set(String(cid), number);
  return number;
};

testFolder('pieces', pieceFormat, async (cid, bytes) => ({ name: `s-t00-${numberOf(cid)}`, bytes: Buffer.concat([carOf(cid, [{ cid, bytes }]), Buffer.alloc(100)]) }));

testFolder('unsealed sectors', sectorFormat, async (cid, bytes) => {
  const car = carOf(cid, [{ cid, bytes }]);
  const size = 2 ** Math.ceil(Math.log2((car.length * 128) / 127 + 128));
  return { name: `s-t01000-${numberOf(cid)}`, bytes: sectorOf(size, [{ at: 0, data: car }], [{ start: 0, end: size }]) };
});

/** Files referenced where they lie, each a block. */
testSource('referenced files', async (t) => {
  const dir = await tempDir(t);
  const catalogue = new Catalogue(join(dir, 'catalogue'));
  await catalogue.open();
  t.after(() => catalogue.close());
  const pathOf = (cid: CID) => join(dir, carName(cid));
  return {
    source: createShelf({ catalogue, open: openFile }, FILES_SHELF),
    async put(cid, bytes) {
      await writeFile(pathOf(cid), bytes);
      const entry = await catalogue.add();
      await entry.put(cid, 0, bytes.length);
      await entry.commit({ path: pathOf(cid), identity: (await identityAt(pathOf(cid)))!, shelf: FILES_SHELF });
    },
    corrupt: (cid, bytes) => writeFile(pathOf(cid), bytes),
  };
});

/** Blocks that a server gives as they are, verified or not. */
function looseBlocks() {
  const held = new Map<string, Uint8Array>();
  const set = async (cid: CID, bytes: Uint8Array) => { held.set(blockKey(cid), bytes); };
  return { read: async (cid: CID) => held.get(blockKey(cid)), put: set, corrupt: set };
}

testSource('peers by CAR streams', async (t) => {
  const { read, put, corrupt } = looseBlocks();
  const [server, client] = [await startHost(t), await startHost(t)];
  const unserve = await serveCar({ libp2p: server, read });
  await client.dial(server.getMultiaddrs());
  return {
    source: peerSource({ libp2p: client }, { stallMs: 60_000, askTimeoutMs: 60_000, liarTimeoutMs: 0 }), put, corrupt,
    async stall() {
      await unserve();
      await server.handle(CAR_PROTOCOL, () => {});
    },
  };
});

testSource('gateways, of our own making', async (t) => {
  const { read, put, corrupt } = looseBlocks();
  let stalled = false;
  const gateway = await serveGateway({ read: (cid) => (stalled ? new Promise(() => {}) : read(cid)), allows: async () => true }, { listen: '127.0.0.1:0' });
  t.after(() => gateway.stop());
  const standings = createStandings({ liarMs: 0, restMs: 0 });
  return {
    source: gatewaySource(async () => [{ url: new URL(gateway.url), trusted: true }], { standings, headTimeoutMs: 60_000 }), put, corrupt,
    async stall() { stalled = true; },
  };
});

testSource('ipfs by bitswap', async (t) => {
  const { read, put, corrupt } = looseBlocks();
  const [server, client] = [await startHost(t), await startHost(t)];
  const start = async (libp2p: typeof server) => {
    const bitswap = new Bitswap({ libp2p, read, sizeOf: async (cid) => (await read(cid))?.length }, { liarTimeoutMs: 0, restartGraceMs: 0 });
    await bitswap.start();
    t.after(() => bitswap.stop());
    return bitswap;
  };
  await start(server);
  const bitswap = await start(client);
  await client.dial(server.getMultiaddrs());
  return {
    source: bitswapSource({ libp2p: client, bitswap }), put, corrupt,
    async stall() {
      await server.unhandle(BITSWAP_PROTOCOL);
      await server.handle(BITSWAP_PROTOCOL, () => {});
    },
  };
});

/** Stands in for a Kubo node: as much of its documented RPC API as the source needs. No real Kubo is behind this. */
testSource('ipfs by Kubo', async (t) => {
  const blocks = new Map<string, Uint8Array>();
  let stalled = false;
  const fail = (response: ServerResponse, message: string) => {
    response.writeHead(500, { 'content-type': 'application/json' });
    response.end(JSON.stringify({ Message: message, Code: 0, Type: 'error' }));
  };
  const server = createServer((request, response) => {
    request.resume();
    if (stalled) return;
    const url = new URL(request.url ?? '', 'http://kubo');
    const cid = url.searchParams.get('arg') ?? '';
    const bytes = blocks.get(blockKey(CID.parse(cid)));
    if (request.method !== 'POST') fail(response, 'method not allowed');
    else if (bytes === undefined) fail(response, `block was not found locally (offline): ipld: could not find ${cid}`);
    else if (url.pathname === '/api/v0/block/get') response.end(bytes);
    else if (url.pathname === '/api/v0/block/stat') response.end(JSON.stringify({ Key: cid, Size: bytes.length }));
    else fail(response, 'no such command');
  });
  await new Promise<void>((resolve) => { server.listen(0, '127.0.0.1', resolve); });
  t.after(() => { server.closeAllConnections(); server.close(); });
  const set = async (cid: CID, bytes: Uint8Array) => { blocks.set(blockKey(cid), bytes); };
  return {
    source: kuboSource(`http://127.0.0.1:${(server.address() as AddressInfo).port}`),
    put: set, corrupt: set, async stall() { stalled = true; },
  };
});
