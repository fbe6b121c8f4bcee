import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Bitswap } from '../bitswap/bitswap.ts';
import { bitswapSource } from '../bitswap/bitswap-source.ts';
import { MAX_PEERS_ASKED } from '../constants.ts';
import { peerSource } from '../peer-car/peer-source.ts';
import { randomBlock, startHost, startStorage } from '../storage.test-util.ts';

const { signal } = new AbortController();

test('of more peers than are asked at once the first and the last to connect are asked as well', { timeout: 300_000 }, async (t) => {
  const { cid, bytes } = randomBlock(1000);
  const host = await startHost(t);
  const bitswap = new Bitswap({ libp2p: host, read: async () => undefined, sizeOf: async () => undefined }, { restartGraceMs: 0 });
  await bitswap.start();
  t.after(() => bitswap.stop());
  const [first, ...others] = await Promise.all(Array.from({ length: MAX_PEERS_ASKED + 2 }, () => startStorage(t)));
  for (const { host: peer } of [first!, ...others]) await host.dial(peer.getMultiaddrs());
  const last = others.at(-1)!;
  for (const holder of [last, first!]) {
    await holder.storage.addBytes(bytes);
    const sources = [peerSource({ libp2p: host }), bitswapSource({ libp2p: host, bitswap })];
    for (const source of sources) assert.deepEqual(new Uint8Array(await source.read(cid, { signal })), new Uint8Array(bytes), source.name);
    await holder.storage.remove(cid);
    await holder.storage.collect();
  }
});
