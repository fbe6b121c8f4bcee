import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test, type TestContext } from 'node:test';
import type { Libp2p, Stream } from '@libp2p/interface';
import type { CID } from 'multiformats/cid';
import * as raw from 'multiformats/codecs/raw';
import { writeVarint } from '../car/varint.ts';
import { MAX_BLOCK_BYTES } from '../constants.ts';
import { ByteQueue } from '../stream/byte-queue.ts';
import { receiveBytes, sendBytes } from '../stream/peer-bytes.ts';
import { blockKey } from '../unixfs/links.ts';
import { cidOf, randomBlock, startHost } from '../storage.test-util.ts';
import { Bitswap, type BitswapInit } from './bitswap.ts';
import { BITSWAP_PROTOCOL, MAX_INBOUND_STREAMS, MAX_WANTS_PER_PEER } from './constants.ts';
import { encodeAnswer, encodeWants, FIELD, type WantEntry } from './messages.ts';
import { readMessages } from './read-messages.ts';

type Block = { cid: CID; bytes: Uint8Array };
const { signal } = new AbortController();
const NEVER_MS = 3_600_000;

/** A node that has some blocks, and counts how often it looked for one. */
async function startNode(t: TestContext, blocks: readonly Block[] = [], init: BitswapInit = {}) {
  const host = await startHost(t);
  const held = new Map(blocks.map(({ cid, bytes }) => [blockKey(cid), bytes]));
  const node = { host, looks: 0, reading: 0, mostReading: 0, bitswap: undefined as unknown as Bitswap };
  node.bitswap = new Bitswap({
    libp2p: host, sizeOf: async (cid) => held.get(blockKey(cid))?.length,
    async read(cid) {
      node.looks++;
      node.mostReading = Math.max(node.mostReading, ++node.reading);
      await new Promise((resolve) => { setImmediate(resolve); });
      node.reading--;
      return held.get(blockKey(cid));
    },
  }, { restartGraceMs: 0, silenceMs: NEVER_MS, repeatMs: NEVER_MS, ...init });
  await node.bitswap.start();
  t.after(() => node.bitswap.stop());
  return node;
}

interface Said { wants: WantEntry[]; blocks: Uint8Array[]; presences: { cid: CID; has: boolean }[] }

/** A peer that says what it is told, and hears. */
async function startPeer(t: TestContext, node: { host: Libp2p }, hear: (said: Said) => void = () => {}) {
  const host = await startHost(t);
  await host.handle(BITSWAP_PROTOCOL, (stream) => {
    const said = (part: Partial<Said>) => hear({ wants: [], blocks: [], presences: [], ...part });
    void readMessages(new ByteQueue(receiveBytes(stream), { signal, stallMs: Infinity }), {
      wants: (wants) => said({ wants: [...wants] }), presence: (cid, has) => said({ presences: [{ cid, has }] }),
      coming: async () => () => {}, block: (_code, bytes) => said({ blocks: [bytes] }), passed: () => {},
    }, () => {}).catch(() => {});
  });
  await host.dial(node.host.getMultiaddrs());
  // Who dials knows of a connection before the other side does.
  await until(() => node.host.getConnections(host.peerId).length > 0);
  const open = () => host.dialProtocol(node.host.peerId, BITSWAP_PROTOCOL, { maxOutboundStreams: 10_000 });
  const peer = {
    host, open, async say(...pieces: Uint8Array[]) { await say(await open(), Buffer.concat(pieces)); },
    /** The same, in passing: the test may be over by then. */
    mutter: (...pieces: Uint8Array[]) => peer.say(...pieces).catch(() => {}),
  };
  return peer;
}

const wantOf = (cid: CID, more: Partial<WantEntry> = {}): WantEntry => ({ cid, cancel: false, have: false, sendDontHave: true, ...more });
const message = (...parts: Uint8Array[]) => Buffer.concat([writeVarint(Buffer.concat(parts).length), ...parts]);
const field = (name: number, bytes: Uint8Array) => Buffer.concat([Uint8Array.of(name), writeVarint(bytes.length), bytes]);
const answer = (blocks: Block[], presences: { cid: CID; has: boolean }[] = []) => Buffer.concat(encodeAnswer({ blocks, presences }));
/** As fast as it is taken; nothing when the other side has closed. */
const say = (stream: Stream, bytes: Uint8Array) => sendBytes(stream, bytes, { signal }).catch(() => {});
const closed = (stream: Stream) => new Promise<void>((resolve) => { if (stream.status !== 'open') resolve(); stream.addEventListener('close', () => resolve()); });

/** Somebody else is served as ever. */
async function assertServes(t: TestContext, node: { host: Libp2p }, { cid, bytes }: Block): Promise<void> {
  const other = await startNode(t, [], { repeatMs: 1_000 });
  await other.host.dial(node.host.getMultiaddrs());
  assert.equal(Buffer.compare(await other.bitswap.want(node.host.peerId, cid, { signal }), bytes), 0);
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => { setTimeout(resolve, 5); });
}

test('what no honest peer sends: the stream is cut off, the peer is shunned and told why, and others are served', { timeout: 120_000 }, async (t) => {
  const here = randomBlock();
  const head = (name: number, length: number) => Buffer.concat([Uint8Array.of(name), writeVarint(length)]);
  const hostile: Record<string, Uint8Array> = {
    'a message of 5 MiB': writeVarint(5 << 20),
    'a length without end': new Uint8Array(20).fill(0xff),
    'four MiB of garbage': message(new Uint8Array(4 << 20).fill(0xa5)),
    'a part longer than the whole': message(head(FIELD.payload, 1000), new Uint8Array(10)),
    'a block of 3 MiB': message(head(FIELD.payload, 3 << 20), new Uint8Array(3 << 20)),
    'a want of no CID': message(field(FIELD.wantlist, field(FIELD.entries, field(FIELD.entryCid, randomBytes(36).fill(0))))),
    'a want of nothing': message(field(FIELD.wantlist, field(FIELD.entries, new Uint8Array()))),
    'a CID of a kilobyte': message(field(FIELD.wantlist, field(FIELD.entries, field(FIELD.entryCid, randomBytes(1000))))),
    'a presence of a megabyte': message(field(FIELD.presence, new Uint8Array(1 << 20))),
    'two million parts': message(Buffer.alloc(4 << 20, Uint8Array.of(FIELD.pendingBytes, 0))),
  };
  const node = await startNode(t, [here]);
  for (const [what, bytes] of Object.entries(hostile)) {
    const peer = await startPeer(t, node);
    const stream = await peer.open();
    await say(stream, bytes);
    await closed(stream);
    const reason = node.bitswap.shuns(peer.host.peerId);
    assert.equal(reason?.code, 'PEER_UNREACHABLE', what);
    assert.ok(['PROTOCOL_BROKEN', 'BLOCK_TOO_LARGE'].includes((reason.cause as { code: string }).code), what);
    await assert.rejects(node.bitswap.want(peer.host.peerId, here.cid, { signal }), { code: 'PEER_UNREACHABLE', message: /is shunned/ });
    // Nor is it listened to.
    const again = await peer.open();
    await say(again, encodeWants([wantOf(here.cid)]));
    await closed(again);
    await peer.host.stop();
  }
  assert.equal(node.looks, 0);
  await assertServes(t, node, here);
});

test('wantlists of a million entries: so many are looked for as one peer may want, one after the other, and others are served meanwhile', { timeout: 120_000 }, async (t) => {
  const here = randomBlock();
  const node = await startNode(t, [here]);
  const peer = await startPeer(t, node);
  const stream = await peer.open();
  // Twelve lists of 84,000 blocks that are not there: made by hand, since it is the entries that count.
  const entry = field(FIELD.entries, field(FIELD.entryCid, cidOf(randomBytes(10)).bytes));
  const list = Buffer.alloc(entry.length * 84_000);
  for (let i = 0; i < 84_000; i++) {
    list.set(entry, i * entry.length);
    list.writeUInt32LE(i, (i + 1) * entry.length - 4);
  }
  const bytes = message(field(FIELD.wantlist, list));
  for (let i = 0; i < 12; i++) await say(stream, bytes);
  await assertServes(t, node, here);
  await stream.close();
  await until(() => node.host.getConnections(peer.host.peerId)[0]!.streams.every(({ protocol, direction }) => protocol !== BITSWAP_PROTOCOL || direction !== 'inbound'));
  await until(() => node.reading === 0);
  assert.ok(node.looks <= 12 * MAX_WANTS_PER_PEER + 100, `${node.looks} blocks were looked for`);
  assert.ok(node.mostReading <= 2, 'one for each peer');
});

test('blocks, answers and wantlists without end from a peer that was asked for nothing, or for something else: shunned, and no block is kept', { timeout: 120_000 }, async (t) => {
  const big = randomBlock(1 << 20);
  const floods: Record<string, () => Uint8Array> = {
    'blocks': () => answer([big]),
    'yes and no': () => answer([], Array.from({ length: 500 }, (_, i) => ({ cid: randomBlock(10).cid, has: i % 2 === 0 }))),
    'fields of a later version': () => message(field((9 << 3) | 2, new Uint8Array(1 << 20))),
  };
  for (const asked of [false, true]) {
    for (const [what, flood] of Object.entries(floods)) {
      const node = await startNode(t, [], { maxUnaskedBytes: 4 << 20, restartGraceMs: NEVER_MS });
      const peer = await startPeer(t, node);
      const wanted = asked ? node.bitswap.want(peer.host.peerId, randomBlock().cid, { signal }) : undefined;
      wanted?.catch(() => {});
      const stream = await peer.open();
      while (stream.status === 'open') await say(stream, flood());
      assert.match(String(node.bitswap.shuns(peer.host.peerId)?.message), /does not keep to the protocol and is shunned/, `${what}, asked: ${asked}`);
      if (wanted !== undefined) await assert.rejects(wanted, { code: 'PEER_UNREACHABLE', message: /is shunned/ });
      await Promise.all([peer.host.stop(), node.bitswap.stop()]);
    }
  }
});

test('messages that never end are cut off; streams beyond the limit are reset; who was not asked gets no memory', { timeout: 120_000 }, async (t) => {
  const here = randomBlock();
  const node = await startNode(t, [here], { messageTimeoutMs: 2_000 });
  const peer = await startPeer(t, node);
  const streams: Stream[] = [];
  let reset = 0;
  const beginning = message(Uint8Array.of(FIELD.payload), writeVarint(MAX_BLOCK_BYTES), new Uint8Array(MAX_BLOCK_BYTES)).subarray(0, 4096);
  for (let i = 0; i < 4 * MAX_INBOUND_STREAMS; i++) {
    const stream = await peer.open();
    void closed(stream).then(() => { reset++; });
    streams.push(stream);
    // The beginning of a block, which nobody asked for.
    await say(stream, beginning);
  }
  const inbound = () => node.host.getConnections(peer.host.peerId)[0]!.streams.filter(({ protocol, direction }) => protocol === BITSWAP_PROTOCOL && direction === 'inbound').length;
  assert.ok(inbound() <= MAX_INBOUND_STREAMS, `${inbound()} streams`);
  await assertServes(t, node, here);
  await until(() => reset === streams.length);
  assert.equal(inbound(), 0);
  // Slow is not hostile.
  assert.equal(node.bitswap.shuns(peer.host.peerId), undefined);
});

test('who asks for a gigabyte and does not read: a message is kept for it, and it is cut off', { timeout: 120_000 }, async (t) => {
  const blocks = Array.from({ length: 64 }, () => randomBlock(1 << 20));
  const node = await startNode(t, blocks, { messageTimeoutMs: 1_000 });
  const deaf = await startHost(t);
  const cut = Promise.withResolvers<void>();
  await deaf.handle(BITSWAP_PROTOCOL, (stream) => {
    stream.pause();
    stream.addEventListener('close', () => cut.resolve());
  });
  await deaf.dial(node.host.getMultiaddrs());
  (await deaf.dialProtocol(node.host.peerId, BITSWAP_PROTOCOL)).send(encodeWants(blocks.map(({ cid }) => wantOf(cid))));
  await until(() => node.looks > 0);
  await assertServes(t, node, blocks[63]!);
  await cut.promise;
  assert.ok(node.looks <= 16, `${node.looks} MiB were read for somebody who took none`);
});

test('a want: repeated when it was lost, cancelled when it is given up, and of two who want the same of one peer each gets memory of his own', { timeout: 120_000 }, async (t) => {
  const block = randomBlock(200_000);
  const node = await startNode(t, [], { repeatMs: 100, checkMs: 10 });
  const heard: WantEntry[] = [];
  const peer = await startPeer(t, node, ({ wants }) => {
    heard.push(...wants);
    // The first one is lost.
    if (heard.length === 3) void peer.mutter(answer([block]));
  });
  const [a, b] = await Promise.all([1, 2].map(() => node.bitswap.want(peer.host.peerId, block.cid, { signal })));
  assert.equal(Buffer.compare(a!, block.bytes) + Buffer.compare(b!, block.bytes), 0);
  a!.fill(0);
  assert.equal(Buffer.compare(b!, block.bytes), 0);
  // A repeated want is cancelled first, in a message of its own.
  assert.deepEqual(heard.slice(0, 3).map(({ cancel }) => cancel), [false, true, false]);

  const stop = new AbortController();
  const given = randomBlock();
  const wanted = node.bitswap.want(peer.host.peerId, given.cid, { signal: stop.signal });
  wanted.catch(() => {});
  await until(() => heard.some(({ cid }) => blockKey(cid) === blockKey(given.cid)));
  stop.abort(new Error('enough'));
  await assert.rejects(wanted, { message: 'enough' });
  await until(() => heard.at(-1)!.cancel);
  // What comes all the same is no lie.
  await peer.say(answer([given]));
  await assert.rejects(node.bitswap.want(peer.host.peerId, cidOf(randomBytes(10), raw.code), { signal: AbortSignal.timeout(300) }), { name: 'TimeoutError' });
  assert.equal(node.bitswap.shuns(peer.host.peerId), undefined);
});

test('a block that trickles in is no silence; a peer that says nothing is given up, and so is one that only asks', { timeout: 120_000 }, async (t) => {
  const block = randomBlock(100_000);
  const node = await startNode(t, [], { repeatMs: NEVER_MS, silenceMs: 1_000, checkMs: 10 });
  const slow = await startPeer(t, node, ({ wants }) => {
    if (wants.some(({ cancel }) => cancel)) return;
    const trickle = async () => {
      const stream = await slow.open();
      const bytes = answer([block]);
      // Two seconds and more, and never a second without a byte.
      for (let at = 0; at < bytes.length; at += 10_000) {
        stream.send(bytes.subarray(at, at + 10_000));
        await new Promise((resolve) => { setTimeout(resolve, 200); });
      }
    };
    trickle().catch(() => {});
  });
  assert.equal(Buffer.compare(await node.bitswap.want(slow.host.peerId, block.cid, { signal }), block.bytes), 0);
  const asking = await startPeer(t, node);
  const timer = setInterval(() => { void asking.mutter(encodeWants([wantOf(randomBlock().cid)])); }, 100);
  t.after(() => clearInterval(timer));
  await assert.rejects(node.bitswap.want(asking.host.peerId, block.cid, { signal }), { code: 'STALLED', message: /is silent/ });
});

test('questions and answers: a small block at once, a large one as a yes, a no only to who wants it; what is cancelled is not sent', async (t) => {
  const [small, large, missing] = [randomBlock(100), randomBlock(5_000), randomBlock()] as const;
  const node = await startNode(t, [small, large]);
  const said: Said[] = [];
  const peer = await startPeer(t, node, (one) => { said.push(one); });
  await peer.say(encodeWants([
    wantOf(small.cid, { have: true }), wantOf(large.cid, { have: true }), wantOf(missing.cid, { sendDontHave: false }),
    wantOf(randomBlock().cid), wantOf(large.cid, { cancel: true }),
  ]), encodeWants([wantOf(large.cid)]), encodeWants([wantOf(missing.cid)]));
  await until(() => said.some(({ presences }) => presences.some(({ cid }) => blockKey(cid) === blockKey(missing.cid))));
  const blocks = said.flatMap((one) => one.blocks).map(({ length }) => length);
  assert.deepEqual(blocks.toSorted((a, b) => a - b), [100, 5_000]);
  assert.ok(said.flatMap((one) => one.presences).filter(({ has }) => has).length <= 1);
});

test('a peer that is always a little too late is not shunned for it', { timeout: 120_000 }, async (t) => {
  const node = await startNode(t, [], { maxUnaskedBytes: 100_000 });
  const blocks = Array.from({ length: 12 }, () => randomBlock(50_000));
  let late = 0;
  let heard = () => {};
  const peer = await startPeer(t, node, ({ wants }) => {
    for (const { cid, cancel } of wants) {
      if (!cancel) heard();
      else void peer.mutter(answer([blocks.find((block) => blockKey(block.cid) === blockKey(cid))!])).then(() => { late++; });
    }
  });
  for (const { cid } of blocks) {
    const stop = new AbortController();
    heard = () => stop.abort(new Error('another was faster'));
    const wanted = node.bitswap.want(peer.host.peerId, cid, { signal: stop.signal });
    await assert.rejects(wanted, { message: 'another was faster' });
  }
  await until(() => late === blocks.length);
  assert.equal(node.bitswap.shuns(peer.host.peerId), undefined);
});
