import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import type { Libp2p } from '@libp2p/interface';
import { CID } from 'multiformats/cid';
import { create as createDigest } from 'multiformats/hashes/digest';
import { Bitswap, type BitswapInit } from './bitswap.ts';
import { bitswapSource } from './bitswap-source.ts';
import { BITSWAP_PROTOCOL as BITSWAP } from './constants.ts';
import { encodeAnswer } from './messages.ts';
import { fetchDag } from '../fetch/fetch-dag.ts';
import { importBytes } from '../unixfs/import-tree.ts';
import { LocalBlocks } from '../blocks/local-blocks.ts';
import { readVerified } from '../blocks/read-verified.ts';
import { join } from 'node:path';
import { randomBlock, startHost, startStorage, tempDir } from '../storage.test-util.ts';
import type { TestContext } from 'node:test';

/** Without our own streams, which would be asked first. */
const ONLY_BITSWAP = { remote: { order: ['ipfs'] } } as const;

/** No want is ever repeated. */
const PATIENT = { repeatMs: 3_600_000, silenceMs: 3_600_000 };

const signal = new AbortController().signal;

async function startSource(t: TestContext, host: Libp2p, init: BitswapInit = {}) {
  const bitswap = new Bitswap({ libp2p: host, read: async () => undefined, sizeOf: async () => undefined }, { restartGraceMs: 0, ...init });
  await bitswap.start();
  t.after(() => bitswap.stop());
  return bitswapSource({ libp2p: host, bitswap });
}

/** A peer that answers every want with the same block. */
async function startForger(t: TestContext, block: { cid: CID; bytes: Uint8Array }): Promise<Libp2p> {
  const host = await startHost(t);
  await host.handle(BITSWAP, async (_stream, connection) => {
    const reply = await host.dialProtocol(connection.remotePeer, BITSWAP);
    for (const piece of encodeAnswer({ blocks: [block], presences: [] })) reply.send(piece);
    await reply.close();
  });
  return host;
}

test('a peer that sends wrong bytes, or forges a block by an identity hash, is found out and shunned, and another one serves', async (t) => {
  const holder = await startStorage(t);
  const bytes = new Uint8Array(randomBytes(2000));
  const { cid } = await holder.storage.addBytes(bytes);
  const forgeries = [
    { cid, bytes: new Uint8Array(randomBytes(2000)) },
    { cid: CID.createV1(cid.code, createDigest(0, cid.multihash.digest)), bytes: cid.multihash.digest },
  ];
  for (const forgery of forgeries) {
    const forger = await startForger(t, forgery);
    const host = await startHost(t);
    const source = await startSource(t, host, PATIENT);
    await host.dial(forger.getMultiaddrs());
    await assert.rejects(source.read(cid, { signal }), { code: 'NOT_FOUND', details: /sent wrong bytes and is shunned/ });
    await assert.rejects(source.read(cid, { signal }), { code: 'NOT_FOUND', details: /sent wrong bytes and is shunned/ }, 'not asked again, and said why');
    await host.dial(holder.host.getMultiaddrs());
    assert.equal(Buffer.compare(await source.read(cid, { signal }), bytes), 0);
  }
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
    override read(...args: Parameters<LocalBlocks['read']>) { served++; return super.read(...args); }
  }
  let root: CID | undefined;
  for (const host of [await startHost(t), await startHost(t)]) {
    const dir = await tempDir(t);
    const blocks = new CountingBlocks(join(dir, 'blocks'));
    await blocks.open();
    const bitswap = new Bitswap({ libp2p: host, read: (cid) => readVerified(blocks, cid), sizeOf: (cid) => blocks.sizeOf(cid) });
    await bitswap.start();
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
  const deadline = performance.now() + 60_000;
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
