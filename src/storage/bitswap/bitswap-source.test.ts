import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import type { Libp2p } from '@libp2p/interface';
import type { CID } from 'multiformats/cid';
import * as lp from 'it-length-prefixed';
import { BITSWAP_PROTOCOL as BITSWAP, encodeCancel } from './cancel-want.ts';
import { bitswapSource } from './bitswap-source.ts';
import { startBitswap } from './helia.ts';
import { fetchDag } from '../fetch-dag.ts';
import { importBytes } from '../unixfs/import-tree.ts';
import { LocalBlocks } from '../local/local-blocks.ts';
import { join } from 'node:path';
import { randomBlock, startHost, startStorage, tempDir } from '../storage.test-util.ts';
import type { TestContext } from 'node:test';

/** Without our own streams, which would be asked first. */
const ONLY_BITSWAP = { remote: { order: ['ipfs'] } } as const;

/** No want is ever repeated. */
const PATIENT = { repeatMs: 3_600_000, silenceMs: 3_600_000 };

const signal = new AbortController().signal;

async function startSource(t: TestContext, host: Libp2p, init: Parameters<typeof bitswapSource>[1] = {}) {
  const dir = await tempDir(t);
  const blocks = new LocalBlocks(join(dir, 'blocks'));
  await blocks.open();
  const bitswap = await startBitswap({ libp2p: host, blocks });
  t.after(() => bitswap.stop());
  return bitswapSource({ libp2p: host, bitswap }, init);
}

/** A peer that answers every want with a block whose "hash" is the wanted digest: an identity multihash of those 32 bytes. */
async function startForger(t: TestContext, cid: CID): Promise<Libp2p> {
  const host = await startHost(t);
  const field = (number: number, bytes: Uint8Array) => new Uint8Array([(number << 3) | 2, bytes.length, ...bytes]);
  const block = new Uint8Array([...field(1, new Uint8Array([1, 0x55, 0, 32])), ...field(2, cid.multihash.digest)]);
  await host.handle(BITSWAP, async (_stream, connection) => {
    const reply = await host.dialProtocol(connection.remotePeer, BITSWAP);
    reply.send(lp.encode.single(field(3, block)));
    await reply.close();
  });
  return host;
}

test('a peer that forges a block by an identity hash is found out and shunned, and another one serves', async (t) => {
  const holder = await startStorage(t);
  const bytes = new Uint8Array(randomBytes(2000));
  const { cid } = await holder.storage.addBytes(bytes);
  const forger = await startForger(t, cid);
  const host = await startHost(t);
  const source = await startSource(t, host);
  await host.dial(forger.getMultiaddrs());
  await assert.rejects(source.read(cid, { signal }), { code: 'NOT_FOUND', details: /sent wrong bytes and is shunned/ });
  await host.dial(holder.host.getMultiaddrs());
  assert.equal(Buffer.compare(await source.read(cid, { signal }), bytes), 0);
});

test('a silent peer, a peer that does not speak bitswap and one that goes away cost no more than they must', async (t) => {
  const host = await startHost(t);
  const source = await startSource(t, host, { silenceMs: 100, checkMs: 10 });
  const mute = await startHost(t);
  await host.dial(mute.getMultiaddrs());
  const { cid } = randomBlock();
  await assert.rejects(source.read(cid, { signal }), { code: 'NOT_FOUND' });
  const silent = await startHost(t);
  await silent.handle(BITSWAP, () => {});
  await host.dial(silent.getMultiaddrs());
  await assert.rejects(source.read(cid, { signal }), { code: 'NOT_FOUND', details: /is silent/ });

  const leaving = await startHost(t);
  const asked = Promise.withResolvers<void>();
  await leaving.handle(BITSWAP, () => asked.resolve());
  const other = await startHost(t);
  const waiting = await startSource(t, other);
  await other.dial(leaving.getMultiaddrs());
  const reading = waiting.read(cid, { signal });
  reading.catch(() => {});
  await asked.promise;
  await leaving.stop();
  await assert.rejects(reading, { code: 'NOT_FOUND', details: /went away/ });
});

test('blocks of several holders come once each, not once from each', { timeout: 120_000 }, async (t) => {
  const asker = await startHost(t);
  const source = await startSource(t, asker, PATIENT);
  const content = randomBytes(20 << 20);
  let served = 0;
  class CountingBlocks extends LocalBlocks {
    override async* get(...args: Parameters<LocalBlocks['get']>) { served++; yield* super.get(...args); }
  }
  let root: CID | undefined;
  for (const host of [await startHost(t), await startHost(t)]) {
    const dir = await tempDir(t);
    const blocks = new CountingBlocks(join(dir, 'blocks'));
    await blocks.open();
    const bitswap = await startBitswap({ libp2p: host, blocks });
    t.after(() => bitswap.stop());
    root = (await importBytes(blocks, content)).cid;
    await asker.dial(host.getMultiaddrs());
  }
  assert.equal((await fetchDag(root!, { sources: [source], keep: async () => {} })).blocks, 21);
  // Both are asked for the root; the twenty leaves come from one or the other.
  assert.ok(served >= 21 && served <= 22, `${served} blocks served`);
});

test('asking again is answered: for a block that was sent before, and for one that was not there', { timeout: 120_000 }, async (t) => {
  const a = await startStorage(t);
  const host = await startHost(t);
  // An answer that waited for a repeated want would not come.
  const source = await startSource(t, host, PATIENT);
  await host.dial(a.host.getMultiaddrs());
  const there = (await a.storage.addBytes(randomBytes(1000))).cid;
  const missing = randomBlock().cid;
  for (let i = 0; i < 3; i++) {
    assert.equal(await source.has(there, { signal }), true);
    assert.equal(await source.has(missing, { signal }), false);
  }
  assert.deepEqual([...encodeCancel(there)].slice(0, 6), [10, 44, 10, 42, 10, 36]);
});

test('a holder that is not connected is found by the DHT', async (t) => {
  const [hubHost, aHost, bHost] = [await startHost(t, { dht: true }), await startHost(t, { dht: true }), await startHost(t, { dht: true })];
  const a = await startStorage(t, { libp2p: aHost });
  const b = await startStorage(t, { libp2p: bHost, ...ONLY_BITSWAP });
  for (const host of [aHost, bHost]) {
    const known = new Promise((resolve) => { host.addEventListener('peer:identify', resolve, { once: true }); });
    await host.dial(hubHost.getMultiaddrs());
    await known;
  }
  const { cid } = await a.storage.addBytes(randomBytes(2_000_000));
  const deadline = performance.now() + 10_000;
  // The DHT takes peers into its table some time after they are identified, and says so to nobody.
  for (;;) {
    await a.storage.provide(cid);
    try {
      const receipt = await b.storage.fetch(cid);
      assert.equal(receipt.sources.find(({ name }) => name === 'ipfs')!.blocks, 3);
      return;
    } catch (error) {
      if (performance.now() > deadline) throw error;
    }
  }
});
