import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test, type TestContext } from 'node:test';
import type { Libp2p, Stream } from '@libp2p/interface';
import type { CID } from 'multiformats/cid';
import { sectionHead } from '../car/write-car.ts';
import { fetchDag } from '../fetch/fetch-dag.ts';
import type { Source } from '../source.ts';
import { DIRECTORY, memorySource, node, randomBlock, startHost } from '../storage.test-util.ts';
import { blockKey } from '../unixfs/links.ts';
import { askPeerForCar } from './ask-peer.ts';
import { CAR_PROTOCOL } from './constants.ts';
import { STATUS } from './messages.ts';
import { peerSource, type PeerSourceInit } from './peer-source.ts';
import { serveCar, type ServeCarInit } from './serve-car.ts';

interface Block { cid: CID; bytes: Uint8Array }

/** A file-like DAG: a root over middles over leaves. */
function tree(middles = 3, leaves = 20, size = 10_000): { root: Block; blocks: Block[] } {
  const all: Block[] = [];
  const tops = Array.from({ length: middles }, () => {
    const below = Array.from({ length: leaves }, () => randomBlock(size));
    const top = node(DIRECTORY, below.map(({ cid }, i) => ({ Name: String(i).padStart(4, '0'), Hash: cid })));
    all.push(top, ...below);
    return top;
  });
  const root = node(DIRECTORY, tops.map(({ cid }, i) => ({ Name: String(i), Hash: cid })));
  return { root, blocks: [root, ...all] };
}

async function startServer(t: TestContext, blocks: readonly Block[], init: ServeCarInit = {}): Promise<{ host: Libp2p; sent: string[] }> {
  const host = await startHost(t);
  const held = new Map(blocks.map(({ cid, bytes }) => [blockKey(cid), bytes]));
  const sent: string[] = [];
  await serveCar({ libp2p: host, read: async (cid) => {
    const bytes = held.get(blockKey(cid));
    if (bytes !== undefined) sent.push(cid.toString());
    return bytes;
  } }, init);
  return { host, sent };
}

/** A server that says it has everything, and then does what it is told. */
async function startRude(t: TestContext, behave: (stream: Stream) => void): Promise<Libp2p> {
  const host = await startHost(t);
  await host.handle(CAR_PROTOCOL, (stream) => {
    stream.send(Uint8Array.of(STATUS.HERE));
    behave(stream);
  });
  return host;
}

async function startClient(t: TestContext, servers: readonly Libp2p[], init: PeerSourceInit = {}): Promise<Source> {
  const host = await startHost(t);
  for (const server of servers) await host.dial(server.getMultiaddrs());
  return peerSource({ libp2p: host }, init);
}

async function fetch(root: CID, sources: readonly Source[], have: readonly Block[] = []) {
  const kept = new Map(have.map(({ cid, bytes }) => [blockKey(cid), bytes]));
  const here: Source = { ...memorySource('here', []), local: true, read: async (cid) => kept.get(blockKey(cid)) ?? Promise.reject(Object.assign(new Error('not here'), { code: 'NOT_FOUND', shortMessage: 'not here' })) };
  const receipt = await fetchDag(root, { sources: [here, ...sources], keep: async (cid, bytes) => { kept.set(blockKey(cid), bytes.slice()); } });
  return { kept, receipt };
}

test('a DAG comes in one stream, depth first, every block once', async (t) => {
  const { root, blocks } = tree();
  const { host, sent } = await startServer(t, blocks);
  const { kept, receipt } = await fetch(root.cid, [await startClient(t, [host])]);
  assert.equal(kept.size, blocks.length);
  for (const { cid, bytes } of blocks) assert.equal(Buffer.compare(kept.get(blockKey(cid))!, bytes), 0);
  const peers = receipt.sources.find(({ name }) => name === 'peers')!;
  assert.deepEqual({ blocks: peers.blocks, errors: peers.errors }, { blocks: blocks.length, errors: [] });
  // The root was also read to answer the question who has it.
  assert.equal(sent.length, blocks.length + 1);
  const client = await startHost(t);
  await client.dial(host.getMultiaddrs());
  const order: string[] = [];
  const { signal } = new AbortController();
  for await (const { cid } of askPeerForCar(client, host.peerId, { roots: [root.cid], scope: 'dag' }, { signal })) order.push(cid.toString());
  assert.deepEqual(order, blocks.map(({ cid }) => cid.toString()));
});

test('what is here already is not sent again', async (t) => {
  const { root, blocks } = tree();
  const { host } = await startServer(t, blocks);
  // As a fetch that was broken off leaves it, and some more.
  const half = blocks.filter((_block, i) => i < 30 || i === 42);
  const { kept, receipt } = await fetch(root.cid, [await startClient(t, [host])], half);
  assert.equal(kept.size, blocks.length);
  assert.equal(receipt.sources[1]!.blocks, blocks.length - half.length);
});

test('a missing middle is fetched from whoever has it', async (t) => {
  const { root, blocks } = tree();
  const without = await startServer(t, blocks.filter((_block, i) => i !== 5 && i !== 22));
  const rest = await startServer(t, blocks.filter((_block, i) => i >= 5));
  const { kept } = await fetch(root.cid, [await startClient(t, [without.host, rest.host])]);
  assert.equal(kept.size, blocks.length);
});

test('who sends wrong bytes, other blocks, garbage or too much is left and shunned; the rest comes from elsewhere', async (t) => {
  const { root, blocks } = tree();
  const section = (cid: CID, bytes: Uint8Array) => Buffer.concat([sectionHead(cid, bytes.length), bytes]);
  const stranger = randomBlock();
  const lies: Record<string, (stream: Stream) => void> = {
    'wrong bytes': (stream) => { stream.send(section(root.cid, new Uint8Array(randomBytes(100)))); },
    'a block nobody asked for': (stream) => { stream.send(Buffer.concat([section(root.cid, root.bytes), section(stranger.cid, stranger.bytes)])); },
    'garbage': (stream) => { stream.send(Uint8Array.of(5, 255, 255, 255, 255, 255)); },
    'a section of 100 MB': (stream) => { stream.send(Uint8Array.of(0x80, 0xc2, 0xd7, 0x2f)); },
    'a length without end': (stream) => { stream.send(new Uint8Array(20).fill(0xff)); },
  };
  for (const [what, lie] of Object.entries(lies)) {
    let asked = 0;
    const liar = await startRude(t, (stream) => { asked++; lie(stream); });
    const client = await startClient(t, [liar]);
    await assert.rejects(fetch(root.cid, [client]), { code: 'NOT_FOUND' }, what);
    const before = asked;
    const { kept, receipt } = await fetch(root.cid, [client, memorySource('honest', blocks)]);
    assert.equal(kept.size, blocks.length, what);
    assert.equal(asked, before, `${what}: asked again`);
    assert.equal(receipt.sources[2]!.blocks, blocks.length, what);
  }
});

test('who repeats itself without end is left', async (t) => {
  const { root, blocks } = tree(1, 1);
  const big = randomBlock(1 << 20);
  const over = node(DIRECTORY, [{ Name: 'big', Hash: big.cid }, { Name: 'tree', Hash: root.cid }]);
  const section = ({ cid, bytes }: Block) => Buffer.concat([sectionHead(cid, bytes.length), bytes]);
  const liar = await startRude(t, (stream) => {
    stream.send(Buffer.concat([section(over), section(big)]));
    const again = section(big);
    const more = () => { while (stream.status === 'open' && stream.send(again)); };
    stream.addEventListener('drain', () => queueMicrotask(more));
    stream.addEventListener('idle', () => queueMicrotask(more));
    more();
  });
  // A busy machine takes its time to move 65 MiB.
  const patient = { askTimeoutMs: 60_000, stallMs: 60_000 };
  const { kept, receipt } = await fetch(over.cid, [await startClient(t, [liar], patient), memorySource('honest', [over, big, ...blocks])]);
  assert.equal(kept.size, blocks.length + 2);
  assert.match(receipt.sources[1]!.errors.join(), /again and again/);
});

test('who stalls or breaks off in the middle is left; what came counts', async (t) => {
  const { root, blocks } = tree();
  const section = ({ cid, bytes }: Block) => Buffer.concat([sectionHead(cid, bytes.length), bytes]);
  const beginning = Buffer.concat(blocks.slice(0, 10).map(section));
  const broken: Record<string, (stream: Stream) => void> = {
    stalls: (stream) => { stream.send(beginning); },
    cuts: (stream) => { stream.send(beginning.subarray(0, -5)); void stream.close(); },
    resets: (stream) => { stream.send(beginning); stream.addEventListener('idle', () => setImmediate(() => stream.abort(new Error('gone')))); },
    'ends without an end': (stream) => { stream.send(beginning); void stream.close(); },
  };
  for (const [what, behave] of Object.entries(broken)) {
    const bad = await startRude(t, behave);
    const { kept, receipt } = await fetch(root.cid, [await startClient(t, [bad], { stallMs: 200 }), memorySource('honest', blocks)]);
    assert.equal(kept.size, blocks.length, what);
    const [, peers, honest] = receipt.sources;
    assert.equal(peers!.blocks + honest!.blocks, blocks.length, what);
    if (what !== 'resets') assert.ok(peers!.blocks >= 9, `${what}: ${peers!.blocks}`);
    assert.equal(peers!.errors.length, 1, what);
  }
});

test('the server: no more streams than allowed, nothing that is not allowed, malformed requests cut off', async (t) => {
  const { root, blocks } = tree();
  const forbidden = blocks[5]!;
  const open = await startServer(t, blocks, { allow: (cid) => blockKey(cid) !== blockKey(forbidden.cid) });
  const client = await startClient(t, [open.host]);
  const { receipt } = await fetch(root.cid, [client, memorySource('rest', blocks)]);
  assert.deepEqual(receipt.sources.slice(1).map((source) => source.blocks), [blocks.length - 1, 1]);
  const { signal } = new AbortController();
  await assert.rejects(client.has(forbidden.cid, { signal }), { code: 'PEER_UNREACHABLE' });

  const busy = await startServer(t, blocks, { streamsPerPeer: 0 });
  const refused = await fetch(root.cid, [await startClient(t, [busy.host]), memorySource('rest', blocks)]);
  assert.match(refused.receipt.sources[1]!.errors.join(), /busy/);

  const host = await startHost(t);
  for (const request of [[1, 0], [3, 0x82, 9, 0x80], [200, 200, 200, 200, 1], [4, 0x82, 0, 0x81, 0x40]]) {
    const stream = await host.dialProtocol(open.host.getMultiaddrs(), CAR_PROTOCOL);
    const closed = new Promise((resolve) => { stream.addEventListener('close', resolve); });
    stream.send(Uint8Array.from(request));
    await closed;
  }
});

test('a reader that does not read holds the server back', async (t) => {
  const leaves = Array.from({ length: 80 }, () => randomBlock(1 << 20));
  const root = node(DIRECTORY, leaves.map(({ cid }, i) => ({ Name: String(i).padStart(4, '0'), Hash: cid })));
  const { host, sent } = await startServer(t, [root, ...leaves], { writeTimeoutMs: 300 });
  const client = await startHost(t);
  await client.dial(host.getMultiaddrs());
  const stream = askPeerForCar(client, host.peerId, { roots: [root.cid], scope: 'dag' }, { signal: new AbortController().signal });
  await stream.next();
  const [connection] = host.getConnections(client.peerId);
  await new Promise<void>((resolve) => {
    const open = connection!.streams.find(({ protocol }) => protocol === CAR_PROTOCOL);
    if (open === undefined) resolve();
    else open.addEventListener('close', () => resolve());
  });
  assert.ok(sent.length < 64, `${sent.length} MiB were read for a reader that took one`);
  await assert.rejects(async () => { for await (const _ of stream); }, { code: 'STREAM_CUT' });
});
