import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test, type TestContext } from 'node:test';
import { withBitswap } from '@helia/bitswap';
import type { BlockBroker } from '@helia/interface';
import { NotFoundError, type Libp2p, type Startable } from '@libp2p/interface';
import type { CID } from 'multiformats/cid';
import { sha256 } from 'multiformats/hashes/sha2';
import { Bitswap } from '../../../src/storage/bitswap/bitswap.ts';
import { bitswapSource } from '../../../src/storage/bitswap/bitswap-source.ts';
import { fetchDag } from '../../../src/storage/fetch/fetch-dag.ts';
import { LocalBlocks } from '../../../src/storage/blocks/local-blocks.ts';
import { readVerified } from '../../../src/storage/blocks/read-verified.ts';
import { randomBlock, startHost, tempDir } from '../../../src/storage/storage.test-util.ts';
import { isLeaf } from '../../../src/storage/unixfs/links.ts';
import { importBytes } from '../../../src/storage/unixfs/import-tree.ts';

/*
 * Another implementation of the protocol, Helia's, which is in use on the public network and was written against Kubo's. It is not part of what is
 * installed: only these tests have it.
 */

const { signal } = new AbortController();

/** Blocks, by their hashes. */
async function openBlocks(t: TestContext): Promise<LocalBlocks> {
  const blocks = new LocalBlocks(await tempDir(t));
  await blocks.open();
  t.after(() => blocks.close());
  return blocks;
}

async function startOurs(t: TestContext, host: Libp2p, blocks: LocalBlocks): Promise<Bitswap> {
  const bitswap = new Bitswap({ libp2p: host, read: (cid) => readVerified(blocks, cid), sizeOf: (cid) => blocks.sizeOf(cid) }, { restartGraceMs: 0 });
  await bitswap.start();
  t.after(() => bitswap.stop());
  return bitswap;
}

/** Helia's, with as much of a Helia node around it as it asks for. */
async function startTheirs(t: TestContext, libp2p: Libp2p, blocks: LocalBlocks): Promise<Required<BlockBroker>> {
  const brokers: (Required<BlockBroker> & Startable)[] = [];
  const mixins: { start(helia: unknown): Promise<void> }[] = [];
  const helia = {
    status: 'starting', libp2p, logger: libp2p.logger,
    blockstore: {
      has: (cid: CID) => blocks.has(cid),
      async* get(cid: CID) {
        const bytes = await blocks.read(cid);
        if (bytes === undefined) throw new NotFoundError();
        yield bytes;
      },
    },
    routing: { async* findProviders() {} }, getHasher: () => sha256, hasBlockBroker: () => false,
    addBlockBroker: (broker: typeof brokers[number]) => { brokers.push(broker); },
    addMixin: (mixin: typeof mixins[number]) => { mixins.push(mixin); },
  };
  withBitswap(helia as unknown as Parameters<typeof withBitswap>[0], {});
  for (const mixin of mixins) await mixin.start(helia);
  t.after(async () => { await brokers[0]!.stop(); });
  return brokers[0]!;
}

async function startBoth(t: TestContext) {
  const [ours, theirs] = [await startHost(t), await startHost(t)];
  const [ourBlocks, theirBlocks] = [await openBlocks(t), await openBlocks(t)];
  const bitswap = await startOurs(t, ours, ourBlocks);
  const broker = await startTheirs(t, theirs, theirBlocks);
  // It sends to peers that it knows to speak bitswap.
  const known = new Promise((resolve) => { theirs.addEventListener('peer:identify', resolve, { once: true }); });
  await ours.dial(theirs.getMultiaddrs());
  await known;
  return { ours, theirs, ourBlocks, theirBlocks, bitswap, broker };
}

test('from theirs: a DAG of small and large blocks, each once; what is not there; and there after all', { timeout: 120_000 }, async (t) => {
  const { ours, theirs, theirBlocks, bitswap } = await startBoth(t);
  const content = randomBytes(12_300_000);
  const { cid } = await importBytes(theirBlocks, content);
  const leaves: Uint8Array[] = [];
  const receipt = await fetchDag(cid, {
    sources: [bitswapSource({ libp2p: ours, bitswap })], keep: async (block, bytes) => { if (isLeaf(block)) leaves.push(bytes.slice()); },
  });
  assert.equal(receipt.blocks, 13);
  assert.equal(leaves.reduce((sum, { length }) => sum + length, 0), content.length);
  const small = Array.from({ length: 300 }, () => randomBlock(200));
  for (const block of small) await theirBlocks.put(block.cid, block.bytes);
  await Promise.all(small.map(async (block) => assert.equal(Buffer.compare(await bitswap.want(theirs.peerId, block.cid, { signal }), block.bytes), 0)));
  const late = randomBlock();
  for (let i = 0; i < 2; i++) await assert.rejects(bitswap.want(theirs.peerId, late.cid, { signal }), { code: 'NOT_FOUND' });
  await theirBlocks.put(late.cid, late.bytes);
  for (let i = 0; i < 2; i++) assert.equal(Buffer.compare(await bitswap.want(theirs.peerId, late.cid, { signal }), late.bytes), 0);
});

test('to theirs: the same the other way round, by single wants and by sessions, which ask who has a block first', { timeout: 120_000 }, async (t) => {
  const { ours, ourBlocks, broker } = await startBoth(t);
  const blocks = [0, 1, 200, 2_000, 70_000, 1 << 20, 2 << 20].map((size) => randomBlock(size));
  for (const block of blocks) await ourBlocks.put(block.cid, block.bytes);
  const session = broker.createSession({ providers: [ours.peerId.toCID()], minProviders: 1, maxProviders: 1 });
  for (const block of blocks) {
    assert.equal(Buffer.compare(await session.retrieve!(block.cid, { signal: AbortSignal.timeout(60_000) }), block.bytes), 0, `${block.bytes.length} bytes`);
  }
  const more = Array.from({ length: 40 }, (_, i) => randomBlock(i % 2 === 0 ? 300 : 300_000));
  for (const block of more) await ourBlocks.put(block.cid, block.bytes);
  const got = await Promise.all(more.map((block) => broker.retrieve(block.cid, { signal: AbortSignal.timeout(60_000) })));
  for (const [i, bytes] of got.entries()) assert.equal(Buffer.compare(bytes, more[i]!.bytes), 0);
});

test('both ways at the same time, over one connection', { timeout: 120_000 }, async (t) => {
  const { ours, theirs, ourBlocks, theirBlocks, bitswap, broker } = await startBoth(t);
  const [here, there] = [0, 1].map(() => Array.from({ length: 20 }, () => randomBlock(500_000))) as [ReturnType<typeof randomBlock>[], ReturnType<typeof randomBlock>[]];
  for (const block of here) await ourBlocks.put(block.cid, block.bytes);
  for (const block of there) await theirBlocks.put(block.cid, block.bytes);
  const session = broker.createSession({ providers: [ours.peerId.toCID()], minProviders: 1, maxProviders: 1 });
  const [toThem, toUs] = await Promise.all([
    Promise.all(here.map(({ cid }) => session.retrieve!(cid, { signal: AbortSignal.timeout(60_000) }))),
    Promise.all(there.map(({ cid }) => bitswap.want(theirs.peerId, cid, { signal }))),
  ]);
  for (const [i, bytes] of toThem.entries()) assert.equal(Buffer.compare(bytes, here[i]!.bytes), 0);
  for (const [i, bytes] of toUs.entries()) assert.equal(Buffer.compare(bytes, there[i]!.bytes), 0);
});
