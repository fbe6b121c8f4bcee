import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test, type TestContext } from 'node:test';
import type { Libp2p } from '@libp2p/interface';
import type { CID } from 'multiformats/cid';
import { fetchDag, type FetchInit } from '../fetch/fetch-dag.ts';
import { locate } from '../fetch/reach.ts';
import type { Source } from '../source.ts';
import { blockKey } from '../unixfs/links.ts';
import { cidOf, memorySource, node, randomBlock, startHost, DIRECTORY } from '../storage.test-util.ts';
import { Bitswap, type BitswapInit } from './bitswap.ts';
import { bitswapSource } from './bitswap-source.ts';

const NEVER_MS = 3_600_000;
const LEAVES = 40;

function tree(size = 300_000) {
  const leaves = Array.from({ length: LEAVES }, () => randomBlock(size));
  const root = node(DIRECTORY, leaves.map(({ cid }, i) => ({ Name: String(i).padStart(2, '0'), Hash: cid })));
  return { root, blocks: [root, ...leaves] };
}

type Block = ReturnType<typeof randomBlock>;

/** A peer that serves blocks, each as it is told: undefined as it has it, or other bytes, or a promise of them. */
async function startHolder(t: TestContext, blocks: readonly Block[], behave: (served: number, cid: CID) => Promise<Uint8Array | undefined> | undefined = () => undefined) {
  const host = await startHost(t);
  const held = new Map(blocks.map(({ cid, bytes }) => [blockKey(cid), bytes]));
  const holder = { host, served: 0 };
  const bitswap = new Bitswap({
    libp2p: host, sizeOf: async (cid) => held.get(blockKey(cid))?.length,
    read: async (cid) => (held.has(blockKey(cid)) ? behave(++holder.served, cid) ?? held.get(blockKey(cid)) : undefined),
  });
  await bitswap.start();
  t.after(() => bitswap.stop());
  return holder;
}

async function startFetcher(t: TestContext, holders: readonly { host: Libp2p }[], init: BitswapInit = {}) {
  const host = await startHost(t);
  const bitswap = new Bitswap({ libp2p: host, read: async () => undefined, sizeOf: async () => undefined }, { restartGraceMs: 0, silenceMs: NEVER_MS, repeatMs: NEVER_MS, ...init });
  await bitswap.start();
  t.after(() => bitswap.stop());
  for (const holder of holders) await host.dial(holder.host.getMultiaddrs());
  const kept = new Map<string, Uint8Array>();
  const here: Source = {
    ...memorySource('here', []), local: true,
    read: async (cid) => kept.get(blockKey(cid)) ?? Promise.reject(Object.assign(new Error('not here'), { code: 'NOT_FOUND', shortMessage: 'not here' })),
  };
  const source = bitswapSource({ libp2p: host, bitswap });
  return {
    host, bitswap, kept, source,
    fetch: (cid: CID, more: readonly Source[] = [], rest: Partial<FetchInit> = {}) => fetchDag(cid, {
      sources: [here, source, ...more], keep: async (block, bytes) => { kept.set(blockKey(block), bytes.slice()); }, ...rest,
    }),
  };
}

function assertWhole(kept: ReadonlyMap<string, Uint8Array>, blocks: readonly Block[]): void {
  assert.equal(kept.size, blocks.length);
  for (const { cid, bytes } of blocks) assert.equal(Buffer.compare(kept.get(blockKey(cid))!, bytes), 0);
}

test('the sender goes away in mid-transfer: another holder goes on, nothing twice', { timeout: 120_000 }, async (t) => {
  const { root, blocks } = tree();
  const known = Promise.withResolvers<void>();
  // When the other one is known, but not before it was asked for a good part itself.
  const leaving = await startHolder(t, blocks, (served, cid) => (served !== 15 ? undefined : known.promise.then(() => {
    void leaving.host.stop();
    return blocks.find((block) => block.cid.equals(cid))!.bytes;
  })));
  const { fetch, kept, host } = await startFetcher(t, [leaving]);
  const staying = await startHolder(t, blocks);
  const fetching = fetch(root.cid);
  await host.dial(staying.host.getMultiaddrs());
  known.resolve();
  const receipt = await fetching;
  assertWhole(kept, blocks);
  const ipfs = receipt.sources.find(({ name }) => name === 'ipfs')!;
  assert.deepEqual({ blocks: ipfs.blocks, bytes: ipfs.bytes, errors: ipfs.errors }, { blocks: blocks.length, bytes: receipt.bytes, errors: [] });
});

test('the only sender goes away in mid-transfer: said so at once; what came is kept, and the rest is fetched from another later', { timeout: 120_000 }, async (t) => {
  const { root, blocks } = tree();
  const leaving = await startHolder(t, blocks, (served) => {
    if (served === 15) void leaving.host.stop();
    // While it is leaving it begins nothing new.
    return served > 15 ? new Promise(() => {}) : undefined;
  });
  const { fetch, kept, host } = await startFetcher(t, [leaving]);
  await assert.rejects(fetch(root.cid), { code: 'NOT_FOUND', details: /ipfs: (none of \d+ peers has it|no peer is known that could have it)/ });
  const came = kept.size;
  assert.ok(came >= 1 && came < blocks.length, `${came} blocks`);
  const later = await startHolder(t, blocks);
  await host.dial(later.host.getMultiaddrs());
  const receipt = await fetch(root.cid);
  assertWhole(kept, blocks);
  assert.deepEqual(receipt.sources.slice(0, 2).map((source) => source.blocks), [came, blocks.length - came]);
});

test('a sender that stalls in mid-transfer is overtaken by the next source after its deadline; the receipt says who served what and why', { timeout: 120_000 }, async (t) => {
  const { root, blocks } = tree();
  const stalling = await startHolder(t, blocks, (served) => (served > 15 ? new Promise(() => {}) : undefined));
  const { fetch, kept } = await startFetcher(t, [stalling]);
  const receipt = await fetch(root.cid, [memorySource('honest', blocks)], { cascade: { overtakeMs: 300 } });
  assertWhole(kept, blocks);
  const [, ipfs, honest] = receipt.sources;
  assert.equal(ipfs!.blocks + honest!.blocks, blocks.length);
  assert.ok(honest!.blocks > 0);
  assert.match(ipfs!.errors.join(), /overtaken by honest after 300 ms/);
});

test('a peer that stalls is given up for its silence, and another peer serves what it was asked for', { timeout: 120_000 }, async (t) => {
  const { root, blocks } = tree();
  const stalling = await startHolder(t, blocks, (served) => (served > 15 ? new Promise(() => {}) : undefined));
  const { fetch, kept, host } = await startFetcher(t, [stalling], { silenceMs: 500, checkMs: 10 });
  let held = false;
  const receipt = await fetch(root.cid, [], {
    async onProgress({ blocks: count }) {
      if (count < 5 || held) return;
      held = true;
      await host.dial((await startHolder(t, blocks)).host.getMultiaddrs());
    },
  });
  assertWhole(kept, blocks);
  assert.equal(receipt.sources[1]!.blocks, blocks.length);
});

test('of two senders one lies: it is found out by its first lie and shunned, the other one serves all it was asked for', { timeout: 120_000 }, async (t) => {
  const { root, blocks } = tree();
  const liar = await startHolder(t, blocks, (served) => (served > 5 ? Promise.resolve(new Uint8Array(randomBytes(1000))) : undefined));
  const honest = await startHolder(t, blocks);
  const { fetch, kept, bitswap, source } = await startFetcher(t, [liar, honest]);
  const receipt = await fetch(root.cid);
  assertWhole(kept, blocks);
  assert.deepEqual(receipt.sources[1]!.blocks, blocks.length);
  if (liar.served > 5) {
    assert.match(bitswap.shuns(liar.host.peerId)!.message, /sent wrong bytes and is shunned/);
    const before = liar.served;
    assert.equal(await source.has(blocks[7]!.cid, { signal: AbortSignal.timeout(60_000) }), true);
    assert.equal(liar.served, before, 'not asked again');
  }
});

test('only a liar has it: the failure and `locate` say what it did', { timeout: 120_000 }, async (t) => {
  const wanted = cidOf(randomBytes(100));
  const liar = await startHolder(t, [{ cid: wanted, bytes: new Uint8Array(randomBytes(100)) }]);
  const { fetch, source } = await startFetcher(t, [liar]);
  await assert.rejects(fetch(wanted), { code: 'NOT_FOUND', details: /sent wrong bytes and is shunned/ });
  const [said] = await locate([source], wanted, AbortSignal.timeout(60_000));
  assert.equal(said!.has, false);
  assert.match(said!.error!, /sent wrong bytes and is shunned/);
  // A process that has just been started may be sent what its predecessor asked for: there, it is the silence that counts.
  const restarted = await startFetcher(t, [liar], { restartGraceMs: NEVER_MS, silenceMs: 300, checkMs: 10 });
  await assert.rejects(restarted.fetch(wanted), { code: 'NOT_FOUND', details: /is silent: for 300 ms, and sent 1 blocks that were not asked for/ });
});
