import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { NextToLast } from 'blockstore-fs/sharding';
import { LevelDatastore } from 'datastore-level';
import type { CID } from 'multiformats/cid';
import { bitswapSource } from '../../../src/storage/bitswap-source.ts';
import { BITSWAP_PROTOCOL } from '../../../src/storage/cancel-want.ts';
import { startBitswap } from '../../../src/storage/helia.ts';
import { kuboSource } from '../../../src/storage/kubo-source.ts';
import { LocalBlocks } from '../../../src/storage/local-blocks.ts';
import { localSource } from '../../../src/storage/local-source.ts';
import { startHost, tempDir } from '../../../src/storage/storage.test-util.ts';
import { testSource } from './source-suite.ts';

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

testSource('ipfs by bitswap', async (t) => {
  const [server, client] = [await startHost(t), await startHost(t)];
  const start = async (libp2p: typeof server) => {
    const { blocks, corrupt, dir } = await openBlocks(t);
    const datastore = new LevelDatastore(join(dir, 'data'));
    await datastore.open();
    const bitswap = await startBitswap({ libp2p, blocks, datastore });
    t.after(async () => { await bitswap.stop(); await datastore.close(); });
    return { blocks, corrupt, bitswap };
  };
  const there = await start(server);
  const here = await start(client);
  await client.dial(server.getMultiaddrs());
  return {
    // A bitswap block carries no CID, so wrong bytes are no answer at all: silence, which need not be long here.
    source: bitswapSource({ libp2p: client, bitswap: here.bitswap }, { silenceMs: 500, repeatMs: 200 }),
    put: async (cid, bytes) => { await there.blocks.put(cid, bytes); },
    corrupt: there.corrupt,
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
    const bytes = blocks.get(cid);
    if (request.method !== 'POST') fail(response, 'method not allowed');
    else if (bytes === undefined) fail(response, `block was not found locally (offline): ipld: could not find ${cid}`);
    else if (url.pathname === '/api/v0/block/get') response.end(bytes);
    else if (url.pathname === '/api/v0/block/stat') response.end(JSON.stringify({ Key: cid, Size: bytes.length }));
    else fail(response, 'no such command');
  });
  await new Promise<void>((resolve) => { server.listen(0, '127.0.0.1', resolve); });
  t.after(() => { server.closeAllConnections(); server.close(); });
  const set = async (cid: CID, bytes: Uint8Array) => { blocks.set(cid.toString(), bytes); };
  return {
    source: kuboSource(`http://127.0.0.1:${(server.address() as AddressInfo).port}`),
    put: set, corrupt: set, async stall() { stalled = true; },
  };
});
