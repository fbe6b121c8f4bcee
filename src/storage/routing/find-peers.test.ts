import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test, type TestContext } from 'node:test';
import type { Libp2p } from '@libp2p/interface';
import { randomBlock, startHost, startStorage } from '../storage.test-util.ts';
import { MAX_ROUTED_DIALS, MAX_ROUTED_PEERS } from './constants.ts';
import { createPeerFinder } from './find-peers.ts';

const { signal } = new AbortController();
interface Record { ID?: unknown; Addrs?: unknown; Schema?: string }

/** A router that gives one answer, and counts. */
async function startRouter(t: TestContext, records: readonly (Record | string)[], status = 200): Promise<{ url: URL; asked: () => number }> {
  let asked = 0;
  const server = createServer((_incoming, outgoing) => {
    asked++;
    outgoing.writeHead(status, { 'content-type': 'application/x-ndjson' }).end(records.map((one) => (typeof one === 'string' ? one : JSON.stringify(one))).join('\n'));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => { server.closeAllConnections(); server.close(); });
  return { url: new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`), asked: () => asked };
}

const recordOf = (host: Libp2p): Record => ({ Schema: 'peer', ID: host.peerId.toString(), Addrs: host.getMultiaddrs().map(String) });

test('a peer that only a router knows serves a DAG, by our streams and by bitswap', async (t) => {
  for (const order of [['peers'], ['ipfs']] as const) {
    const a = await startStorage(t);
    const router = await startRouter(t, [recordOf(a.host)]);
    const b = await startStorage(t, { libp2p: await startHost(t), remote: { order, routers: [router.url.href], privateHosts: true } });
    const { cid, blocks } = await a.storage.addBytes(randomBytes(3_000_000));
    const receipt = await b.storage.fetch(cid);
    assert.deepEqual(receipt.sources.flatMap(({ name, blocks: count }) => (count > 0 ? [[name, count]] : [])), [[order[0], blocks]]);
  }
});

test('on the public network nobody is dialled at a private address, by a name, or as somebody else', async (t) => {
  const [near, other, client] = [await startHost(t), await startHost(t), await startHost(t)];
  const port = near.getMultiaddrs()[0]!.getComponents()[1]!.value;
  const dialled: string[] = [];
  const libp2p = { peerId: client.peerId, dial: async (to: unknown) => { dialled.push(String(to)); throw new Error('nobody there'); } } as unknown as Libp2p;
  const id = near.peerId.toString();
  const router = await startRouter(t, [
    recordOf(near), { ID: id, Addrs: [`/dns4/localhost/tcp/${port}`, `/ip4/10.0.0.1/tcp/1`, '/ip6/::1/tcp/1', '/ip4/8.8.8.8/udp/1/quic-v1', '/ip4/8.8.8.8/tcp/1/ws', `/ip4/8.8.8.8/tcp/1/p2p/${id}/p2p-circuit`, 'garbage'] },
    { ID: id, Addrs: [`/ip4/8.8.8.8/tcp/1/p2p/${other.peerId}`] }, { ID: 'nobody', Addrs: ['/ip4/8.8.8.8/tcp/1'] }, { ID: client.peerId.toString(), Addrs: ['/ip4/8.8.8.8/tcp/1'] },
    { Addrs: ['/ip4/8.8.8.8/tcp/1'] }, '{{{', 'null', '[]',
  ]);
  assert.deepEqual(await createPeerFinder({ libp2p }, [router.url])(randomBlock().cid, { signal }), []);
  assert.deepEqual(dialled, []);
  const fine = await startRouter(t, [{ ID: id, Addrs: ['/ip4/8.8.8.8/tcp/1'] }]);
  await createPeerFinder({ libp2p }, [fine.url])(randomBlock().cid, { signal });
  assert.deepEqual(dialled, [`/ip4/8.8.8.8/tcp/1/p2p/${id}`]);

  // Whoever answers at the address of another is not taken for him.
  const sly = await startRouter(t, [{ ID: other.peerId.toString(), Addrs: near.getMultiaddrs().map((address) => String(address).replace(/\/p2p\/.*/, '')) }]);
  assert.deepEqual(await createPeerFinder({ libp2p: client }, [sly.url], { privateHosts: true })(randomBlock().cid, { signal }), []);
});

test('a thousand peers, most of them dead: a few are dialled, a few are kept, and the router is asked once; one that fails is no matter', async (t) => {
  const hosts = await Promise.all(Array.from({ length: MAX_ROUTED_DIALS + 2 }, () => startHost(t)));
  const template = hosts[0]!.peerId.toString();
  const dead = Array.from({ length: 1_000 }, (_, i): Record => ({ ID: template, Addrs: [`/ip4/127.0.0.1/tcp/${i + 1}`] }));
  const router = await startRouter(t, [...hosts.map(recordOf), ...dead]);
  const broken = await startRouter(t, ['<html>'], 500);
  const client = await startHost(t);
  let dials = 0;
  const libp2p = { peerId: client.peerId, dial: ((...args: Parameters<Libp2p['dial']>) => { dials++; return client.dial(...args); }) as Libp2p['dial'] };
  const find = createPeerFinder({ libp2p }, [router.url, broken.url], { privateHosts: true });
  const { cid } = randomBlock();
  const [first, again] = await Promise.all([find(cid, { signal }), find(cid, { signal })]);
  assert.deepEqual(first.map(String), again.map(String));
  assert.ok(first.length >= MAX_ROUTED_DIALS);
  assert.ok(dials <= MAX_ROUTED_PEERS);
  assert.equal(router.asked(), 1);
  await assert.rejects(find(randomBlock().cid, { signal: AbortSignal.abort(new Error('enough')) }), /enough/);
});
