import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { test, type TestContext } from 'node:test';
import type { Libp2p } from '@libp2p/interface';
import type { CID } from 'multiformats/cid';
import { fetchDag } from '../fetch/fetch-dag.ts';
import { DIRECTORY, node, randomBlock, startHost } from '../storage.test-util.ts';
import { blockKey } from '../unixfs/links.ts';
import { askPeerForCar } from './ask-peer.ts';
import { CAR_PROTOCOL, DIRECT_MAGIC, MAX_DIRECT_STRANGERS } from './constants.ts';
import { DirectDoor, nameOf } from './direct-door.ts';
import { encodeOffer, STATUS } from './messages.ts';
import { peerSource } from './peer-source.ts';
import { serveCar } from './serve-car.ts';

const leaves = Array.from({ length: 12 }, (_, i) => randomBlock([10, 100_000, 1 << 20][i % 3]));
const root = node(DIRECTORY, leaves.map(({ cid }, i) => ({ Name: String(i).padStart(2, '0'), Hash: cid })));
const blocks = [root, ...leaves];
const held = new Map(blocks.map(({ cid, bytes }) => [blockKey(cid), bytes]));
const read = async (cid: CID) => held.get(blockKey(cid));
const { signal } = new AbortController();

async function startDoor(t: TestContext, init: ConstructorParameters<typeof DirectDoor>[1] = {}): Promise<DirectDoor> {
  const door = new DirectDoor({ host: '127.0.0.1', port: 0 }, init);
  await door.start();
  t.after(() => door.stop());
  return door;
}

async function fetchFrom(t: TestContext, server: Libp2p) {
  const host = await startHost(t);
  await host.dial(server.getMultiaddrs());
  const kept = new Map<string, Uint8Array>();
  const receipt = await fetchDag(root.cid, { sources: [peerSource({ libp2p: host })], keep: async (cid, bytes) => { kept.set(blockKey(cid), bytes.slice()); } });
  for (const { cid, bytes } of blocks) assert.equal(Buffer.compare(kept.get(blockKey(cid))!, bytes), 0);
  return receipt.sources[0]!;
}

const closed = (socket: Socket) => new Promise((resolve) => { socket.once('close', resolve); });

/** A way to a door on which bytes may be changed. */
async function startRelay(t: TestContext, port: number, change: (bytes: Buffer, sent: number) => Buffer | undefined): Promise<number> {
  const relay = createServer((near) => {
    const far = connect(port, '127.0.0.1');
    let sent = 0;
    near.on('error', () => {}).pipe(far);
    far.on('error', () => {}).on('data', (bytes) => {
      const changed = change(bytes, sent);
      sent += bytes.length;
      if (changed === undefined) near.destroy();
      else near.write(changed);
    }).on('end', () => near.end());
    near.on('close', () => far.destroy());
  });
  relay.listen(0, '127.0.0.1');
  await once(relay, 'listening');
  t.after(() => { relay.close(); });
  return (relay.address() as AddressInfo).port;
}

test('a whole DAG goes by the door, encrypted, and none of it by libp2p; single blocks go by libp2p', async (t) => {
  const server = await startHost(t);
  const door = await startDoor(t);
  const seen: Buffer[] = [];
  const port = await startRelay(t, door.offer().port, (bytes) => { seen.push(bytes); return bytes; });
  const offer = door.offer.bind(door);
  door.offer = () => ({ ...offer(), port });
  await serveCar({ libp2p: server, read }, { door });
  const { blocks: count, errors } = await fetchFrom(t, server);
  assert.deepEqual({ count, errors }, { count: blocks.length, errors: [] });
  const all = Buffer.concat(seen);
  assert.ok(all.length > blocks.reduce((sum, { bytes }) => sum + bytes.length, 0));
  for (const { bytes } of blocks) assert.equal(all.indexOf(bytes.subarray(0, 10)), -1);

  const client = await startHost(t);
  await client.dial(server.getMultiaddrs());
  const before = seen.length;
  for await (const { bytes } of askPeerForCar(client, server.peerId, { roots: [root.cid], scope: 'block' }, { signal, host: '127.0.0.1' })) assert.equal(Buffer.compare(bytes, root.bytes), 0);
  assert.equal(seen.length, before);
});

test('a door that cannot be reached, or that breaks, or on the way to which bytes are changed: libp2p serves, and nobody is blamed', async (t) => {
  const faults: Record<string, (door: DirectDoor) => Promise<number>> = {
    'nobody there': async () => {
      const port = await startRelay(t, 1, () => undefined);
      return port === 1 ? 2 : 1;
    },
    'a bit is flipped': async (door) => startRelay(t, door.offer().port, (bytes, sent) => {
      if (sent === 0) bytes[bytes.length - 1]! ^= 1;
      return bytes;
    }),
    'broken off': async (door) => startRelay(t, door.offer().port, (bytes, sent) => (sent > 1_000_000 ? undefined : bytes)),
  };
  for (const [what, fault] of Object.entries(faults)) {
    const server = await startHost(t);
    const door = await startDoor(t);
    const port = await fault(door);
    const offer = door.offer.bind(door);
    door.offer = () => ({ ...offer(), port });
    await serveCar({ libp2p: server, read }, { door });
    const { blocks: count, errors } = await fetchFrom(t, server);
    assert.deepEqual({ count, errors }, { count: blocks.length, errors: [] }, what);
  }
});

test('only a ticket opens the door, once, and in time', { timeout: 120_000 }, async (t) => {
  // One that gives up soon, and one that has time.
  const [hasty, door] = [await startDoor(t, { offerTimeoutMs: 200 }), await startDoor(t)];
  const offer = hasty.offer();
  const stale = assert.rejects(offer.taken(signal), { code: 'STALLED' });
  const hello = Buffer.concat([Buffer.from(DIRECT_MAGIC), Buffer.from(nameOf(offer.ticket), 'hex')]);
  const knock = async (bytes: Uint8Array, { port } = offer): Promise<Socket> => {
    const socket = connect(port, '127.0.0.1');
    socket.on('error', () => {});
    await once(socket, 'connect');
    socket.write(bytes);
    return socket;
  };
  const refused = async (bytes: Uint8Array, at = offer) => {
    const socket = (await knock(bytes, at)).resume();
    await closed(socket);
    assert.equal(socket.bytesRead, 0);
  };
  // The ticket itself is no key: what goes over the wire is its hash.
  await Promise.all([
    refused(Buffer.from('GET / HTTP/1.1\r\nhost: example.org\r\n\r\n')), refused(Buffer.concat([Buffer.from(DIRECT_MAGIC), offer.ticket])),
    refused(Buffer.from('gadus')), refused(new Uint8Array(0)), refused(new Uint8Array(100_000)),
  ]);
  await stale;
  await refused(hello);
  const again = door.offer();
  const late = again.taken(signal);
  const good = Buffer.concat([Buffer.from(DIRECT_MAGIC), Buffer.from(nameOf(again.ticket), 'hex')]);
  const socket = await knock(good.subarray(0, 20), again);
  socket.write(good.subarray(20));
  const writer = await late;
  await refused(good, again);
  socket.destroy();
  await assert.rejects(async () => { for (;;) await writer.send(new Uint8Array(1 << 20), { signal, timeoutMs: 5_000 }); }, { code: 'STREAM_CUT' });

  // Those who say nothing do not keep out those who do, for longer than they are waited for.
  const mute = await Promise.all(Array.from({ length: MAX_DIRECT_STRANGERS }, () => knock(new Uint8Array(0))));
  await Promise.all(mute.map((one) => closed(one.resume())));
  // Let in, if it comes in time, which is up to the machine.
  for (let opened = false; !opened;) {
    const third = hasty.offer();
    const taken = third.taken(signal).then(() => true, () => false);
    (await knock(Buffer.concat([Buffer.from(DIRECT_MAGIC), Buffer.from(nameOf(third.ticket), 'hex')]))).destroy();
    opened = await taken;
  }
});

test('a peer cannot make us say words of his choosing to a port of his choosing', async (t) => {
  const victim = createServer();
  victim.listen(0, '127.0.0.1');
  await once(victim, 'listening');
  const heard = Promise.withResolvers<Buffer>();
  victim.on('connection', (socket) => { socket.on('error', () => {}).once('data', (bytes) => { heard.resolve(bytes); socket.destroy(); }); });
  t.after(() => { victim.close(); });
  const sly = await startHost(t);
  const ticket = Buffer.from('\r\nFLUSHALL\r\n'.padEnd(32));
  await sly.handle(CAR_PROTOCOL, (stream) => {
    stream.send(Buffer.concat([Uint8Array.of(STATUS.DIRECT), encodeOffer({ port: (victim.address() as AddressInfo).port, ticket, key: ticket })]));
  });
  const client = await startHost(t);
  await client.dial(sly.getMultiaddrs());
  await assert.rejects(async () => {
    for await (const _ of askPeerForCar(client, sly.peerId, { roots: [root.cid], scope: 'dag' }, { signal, host: '127.0.0.1' }));
  });
  const bytes = await heard.promise;
  assert.equal(bytes.toString('latin1', 0, DIRECT_MAGIC.length), DIRECT_MAGIC);
  assert.equal(bytes.includes('FLUSHALL'), false);
});

test('a reader that does not read holds the server back, and is cut off; one that leaves ends it', async (t) => {
  const many = Array.from({ length: 64 }, () => randomBlock(1 << 20));
  const top = node(DIRECTORY, many.map(({ cid }, i) => ({ Name: String(i).padStart(2, '0'), Hash: cid })));
  const all = new Map([top, ...many].map(({ cid, bytes }) => [blockKey(cid), bytes]));
  const server = await startHost(t);
  const door = await startDoor(t);
  let sent = 0;
  await serveCar({ libp2p: server, read: async (cid) => { sent++; return all.get(blockKey(cid)); } }, { door, writeTimeoutMs: 300 });
  const client = await startHost(t);
  await client.dial(server.getMultiaddrs());
  const gone = () => new Promise<void>((resolve) => {
    const stream = server.getConnections(client.peerId)[0]!.streams.find(({ protocol }) => protocol === CAR_PROTOCOL);
    if (stream === undefined) resolve();
    else stream.addEventListener('close', () => resolve());
  });
  const slow = askPeerForCar(client, server.peerId, { roots: [top.cid], scope: 'dag' }, { signal, host: '127.0.0.1' });
  await slow.next();
  await gone();
  assert.ok(sent < 60, `${sent} MiB were read for a reader that took one`);
  await assert.rejects(async () => { for await (const _ of slow); });
  sent = 0;
  const leaving = askPeerForCar(client, server.peerId, { roots: [top.cid], scope: 'dag' }, { signal, host: '127.0.0.1' });
  await leaving.next();
  const over = gone();
  await leaving.return(true);
  await over;
  assert.ok(sent < 60);
});
