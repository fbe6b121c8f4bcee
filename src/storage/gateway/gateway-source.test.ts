import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test, type TestContext } from 'node:test';
import type { CID } from 'multiformats/cid';
import { carHeader, sectionHead } from '../car/write-car.ts';
import { fetchDag } from '../fetch/fetch-dag.ts';
import { createGatewayFinder } from '../routing/find-gateways.ts';
import type { Source } from '../source.ts';
import { DIRECTORY, memorySource, node, randomBlock } from '../storage.test-util.ts';
import { blockKey } from '../unixfs/links.ts';
import type { Gateway } from './ask-gateway.ts';
import { isPrivateAddress } from './check-address.ts';
import { gatewaySource, type GatewaySourceInit } from './gateway-source.ts';
import { createStandings } from './host-standing.ts';
import { serveGateway } from './serve-gateway.ts';
import { CAR_TYPE, RAW_TYPE } from './constants.ts';

interface Block { cid: CID; bytes: Uint8Array }
const { signal } = new AbortController();

const leaves = Array.from({ length: 30 }, () => randomBlock(5000));
const root = node(DIRECTORY, [...leaves, leaves[0]!].map(({ cid }, i) => ({ Name: String(i).padStart(3, '0'), Hash: cid })));
const blocks = [root, ...leaves];
const section = ({ cid, bytes }: Block) => Buffer.concat([sectionHead(cid, bytes.length), bytes]);
const car = (these: readonly Block[]) => Buffer.concat([carHeader(root.cid), ...these.map(section)]);

async function startHttp(t: TestContext, answer: (incoming: IncomingMessage, outgoing: ServerResponse) => void): Promise<URL> {
  const server = createServer((incoming, outgoing) => { incoming.resume(); answer(incoming, outgoing); });
  await new Promise<void>((resolve) => { server.listen(0, '127.0.0.1', resolve); });
  t.after(() => { server.closeAllConnections(); server.close(); });
  return new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
}

async function startGateway(t: TestContext, held: readonly Block[]): Promise<URL> {
  const known = new Map(held.map(({ cid, bytes }) => [blockKey(cid), bytes]));
  const gateway = await serveGateway({ read: async (cid) => known.get(blockKey(cid)), allows: async () => true }, { listen: '127.0.0.1:0' });
  t.after(() => gateway.stop());
  return new URL(gateway.url);
}

const trust = (...urls: URL[]): Gateway[] => urls.map((url) => ({ url, trusted: true }));
const source = (gateways: readonly Gateway[], init: GatewaySourceInit = {}) => gatewaySource(async () => gateways, { stallMs: 300, headTimeoutMs: 2_000, ...init });

async function fetch(sources: readonly Source[]) {
  const kept = new Map<string, Uint8Array>();
  const receipt = await fetchDag(root.cid, { sources, keep: async (cid, bytes) => { kept.set(blockKey(cid), bytes.slice()); } });
  return { kept, receipt };
}

test('a DAG comes from our own gateway as one CAR', async (t) => {
  const url = await startGateway(t, blocks);
  const { kept, receipt } = await fetch([source(trust(url))]);
  assert.equal(kept.size, blocks.length);
  assert.deepEqual([receipt.sources[0]!.blocks, receipt.sources[0]!.errors], [blocks.length, []]);
});

test('an answer with duplicates is verified all the same', async (t) => {
  const url = await startHttp(t, (_incoming, outgoing) => {
    outgoing.writeHead(200, { 'content-type': `${CAR_TYPE}; version=1; order=dfs; dups=y` }).end(car([...blocks, leaves[0]!, leaves[0]!]));
  });
  assert.equal((await fetch([source(trust(url))])).kept.size, blocks.length);
});

test('where no order is promised, blocks that come before their parents are left, and asked for again; where it is, they are a lie', async (t) => {
  for (const [type, blocksOfCar] of [[CAR_TYPE, [...leaves, root]], [`${CAR_TYPE}; version=1; order=unk`, [leaves[3]!, root, ...leaves]], [`${CAR_TYPE};order=dfs;dups=n`, undefined]] as const) {
    const known = new Map(blocks.map(({ cid, bytes }) => [String(cid), bytes]));
    let cars = 0;
    let singles = 0;
    const url = await startHttp(t, (incoming, outgoing) => {
      const { pathname, searchParams } = new URL(incoming.url!, 'http://gateway');
      if (searchParams.get('format') === 'car') {
        cars++;
        outgoing.writeHead(200, { 'content-type': type }).end(car(blocksOfCar ?? [leaves[0]!, root]));
      } else {
        singles++;
        outgoing.writeHead(200, { 'content-type': RAW_TYPE }).end(known.get(pathname.slice('/ipfs/'.length)));
      }
    });
    const fetching = fetch([source(trust(url))]);
    if (blocksOfCar === undefined) {
      await assert.rejects(fetching, { code: 'NOT_FOUND' });
      assert.deepEqual([cars, singles], [1, 0], 'a liar is not asked again');
    } else {
      assert.equal((await fetching).kept.size, blocks.length);
    }
  }
});

test('whatever a gateway does wrong, the rest comes from the next, and nothing wrong is kept', async (t) => {
  const wrong = randomBlock(5000);
  const faults: Record<string, (outgoing: ServerResponse) => void> = {
    'a wrong block': (outgoing) => { outgoing.end(car([root, { cid: leaves[0]!.cid, bytes: wrong.bytes }])); },
    'a stranger\'s block': (outgoing) => { outgoing.end(car([root, wrong])); },
    'no CAR': (outgoing) => { outgoing.end(randomBytes(1000)); },
    'an empty answer': (outgoing) => { outgoing.end(); },
    'whole to look at, but a middle lacks': (outgoing) => { outgoing.end(car(blocks.filter((_block, i) => i !== 7))); },
    'cut within a block': (outgoing) => { outgoing.write(car(blocks).subarray(0, 20_000)); setImmediate(() => outgoing.socket!.destroySoon()); },
    'cut between blocks': (outgoing) => { outgoing.end(car(blocks.slice(0, 9))); },
    'stalled in the middle': (outgoing) => { outgoing.write(car(blocks.slice(0, 9))); },
    'a header bomb': (outgoing) => { outgoing.end(Uint8Array.of(0xff, 0xff, 0xff, 0x7f)); },
    'a varint bomb': (outgoing) => { outgoing.end(Buffer.concat([carHeader(root.cid), Buffer.alloc(50, 0xff)])); },
    'a section of 200 MB': (outgoing) => { outgoing.end(Buffer.concat([carHeader(root.cid), Uint8Array.of(0x80, 0x84, 0xaf, 0x5f)])); },
  };
  for (const [what, fault] of Object.entries(faults)) {
    const bad = await startHttp(t, (incoming, outgoing) => {
      if (incoming.url!.includes('format=raw')) return void outgoing.writeHead(404).end();
      outgoing.writeHead(200, { 'content-type': CAR_TYPE });
      fault(outgoing);
    });
    const good = await startGateway(t, blocks);
    const { kept, receipt } = await fetch([source(trust(bad, good))]);
    assert.equal(kept.size, blocks.length, what);
    for (const { cid, bytes } of blocks) assert.equal(Buffer.compare(kept.get(blockKey(cid))!, bytes), 0, what);
    assert.equal(receipt.sources[0]!.blocks, blocks.length, what);
    await assert.rejects(fetch([source(trust(bad))]), { code: 'NOT_FOUND' }, what);
  }
});

test('statuses, silence and endless answers for a single block', async (t) => {
  const faults: [string, (outgoing: ServerResponse) => void, RegExp][] = [
    ['404', (outgoing) => { outgoing.writeHead(404).end(); }, /HTTP 404/],
    ['500', (outgoing) => { outgoing.writeHead(500).end(); }, /HTTP 500/],
    ['429', (outgoing) => { outgoing.writeHead(429, { 'retry-after': '1' }).end(); }, /HTTP 429/],
    ['silence', () => {}, /no answer came/],
    ['stall', (outgoing) => { outgoing.writeHead(200); outgoing.write('x'); }, /nothing came/],
    ['wrong', (outgoing) => { outgoing.writeHead(200).end('x'); }, /not those the CID names/],
    ['claims too much', (outgoing) => { outgoing.writeHead(200, { 'content-length': 1 << 30 }); outgoing.write('x'); }, /too large/],
    ['endless', (outgoing) => {
      const more = () => { while (!outgoing.destroyed && outgoing.write(Buffer.alloc(65_536))); };
      outgoing.on('drain', more);
      more();
    }, /too large/],
  ];
  for (const [what, fault, reason] of faults) {
    const url = await startHttp(t, (_incoming, outgoing) => fault(outgoing));
    await assert.rejects(source(trust(url), { headTimeoutMs: 1_000 }).read(root.cid, { signal }), (error: Error) => 'code' in error && error.code === 'NOT_FOUND' && reason.test(error.message), what);
  }
});

test('neither a redirect, a name nor an address leads a stranger to this machine', async (t) => {
  let asked = 0;
  const inside = await startHttp(t, (_incoming, outgoing) => { asked++; outgoing.writeHead(200, { 'content-type': RAW_TYPE }).end(root.bytes); });
  const { port } = inside;
  for (const location of [`http://127.0.0.1:${port}/`, `http://localhost:${port}/`, `http://[::1]:${port}/`, `http://2130706433:${port}/`, `http://0x7f.1:${port}/`, `http://[::ffff:127.0.0.1]:${port}/`, `http://0.0.0.0:${port}/`, 'file:///etc/passwd']) {
    const redirecting = await startHttp(t, (_incoming, outgoing) => { outgoing.writeHead(302, { location }).end(); });
    await assert.rejects(source(trust(redirecting)).read(root.cid, { signal }), /not on the public network|neither HTTP nor HTTPS/, location);
  }
  for (const url of [`http://127.0.0.1:${port}/`, `http://localhost:${port}/`]) {
    await assert.rejects(source([{ url: new URL(url), trusted: false, found: true }]).read(root.cid, { signal }), /not on the public network/, url);
  }
  assert.equal(asked, 0);
  // A redirect on the same host stays trusted; one that goes round in circles ends.
  const own = await startHttp(t, (incoming, outgoing) => {
    if (incoming.url!.startsWith('/ipfs/')) outgoing.writeHead(301, { location: '/there' }).end();
    else outgoing.end(root.bytes);
  });
  assert.equal(Buffer.compare(await source(trust(own)).read(root.cid, { signal }), root.bytes), 0);
  const circle = await startHttp(t, (_incoming, outgoing) => { outgoing.writeHead(302, { location: '/again' }).end(); });
  await assert.rejects(source(trust(circle)).read(root.cid, { signal }), /too many redirects/);
});

test('which addresses are private', () => {
  for (const address of ['127.0.0.1', '10.1.2.3', '172.31.0.1', '192.168.1.1', '169.254.169.254', '100.64.0.1', '0.0.0.0', '255.255.255.255', '::1', '::', 'fe80::1', 'fd00::1', '::ffff:10.0.0.1', '64:ff9b::7f00:1', 'no address']) {
    assert.equal(isPrivateAddress(address), true, address);
  }
  for (const address of ['1.1.1.1', '8.8.8.8', '172.32.0.1', '2606:4700::1111', '::ffff:8.8.8.8']) assert.equal(isPrivateAddress(address), false, address);
});

test('a thousand dead providers cost little: whoever has it is found among them', async (t) => {
  const good = await startGateway(t, blocks);
  const dead: Gateway[] = Array.from({ length: 1000 }, (_, i) => ({ url: new URL(`http://127.0.0.1:1/?${i}`), trusted: true, found: true }));
  const { kept } = await fetch([source([...dead, { url: good, trusted: true, found: true }])]);
  assert.equal(kept.size, blocks.length);
  await assert.rejects(source(dead).read(root.cid, { signal }), { code: 'NOT_FOUND' });
});

test('hosts by measured success: who fails comes last and then rests, who lies is not asked', () => {
  let now = 0;
  const standings = createStandings({ now: () => now, liarMs: 1000, restMs: 100 });
  const order = () => standings.order([{ host: 'a' }, { host: 'b' }, { host: 'c' }]).map(({ host }) => host).join('');
  assert.equal(order(), 'abc');
  standings.served('c', 1000, 10);
  standings.failed('a');
  assert.equal(order(), 'cba');
  standings.lied('c');
  standings.failed('a');
  standings.failed('a');
  assert.equal(order(), 'b');
  now = 101;
  assert.equal(order(), 'ba');
  now = 1001;
  assert.match(order(), /c/);
});

test('routers name gateways: as lines, as a list, with garbage, too many, none, broken', async (t) => {
  const gateway = await startGateway(t, blocks);
  const record = { Schema: 'peer', ID: '12D3KooWx', Addrs: [`/ip4/127.0.0.1/tcp/${gateway.port}/http`], Protocols: ['transport-ipfs-gateway-http'] };
  const bitswap = { ...record, Protocols: ['transport-bitswap'] };
  const answers: Record<string, { status?: number; type: string; body: string; found: number }> = {
    lines: { type: 'application/x-ndjson', body: [bitswap, record].map((one) => JSON.stringify(one)).join('\n'), found: 1 },
    list: { type: 'application/json', body: JSON.stringify({ Providers: [bitswap, record, null, 7, { Addrs: 'x' }] }), found: 1 },
    'garbage between lines': { type: 'application/x-ndjson', body: `{{{\n\n${JSON.stringify(record)}\n[]\n"x"\n`, found: 1 },
    'a thousand dead ones': { type: 'application/x-ndjson', body: [...Array.from({ length: 999 }, (_, i) => ({ ...record, Addrs: [`/ip4/127.0.0.1/tcp/${i + 1}/http`] })), record].map((one) => JSON.stringify(one)).join('\n'), found: 1000 },
    'none by 404': { status: 404, type: 'text/plain', body: 'nothing', found: 0 },
    'nothing at all': { type: 'application/x-ndjson', body: '', found: 0 },
  };
  for (const [what, { status = 200, type, body, found }] of Object.entries(answers)) {
    const router = await startHttp(t, (incoming, outgoing) => {
      assert.equal(incoming.url, `/routing/v1/providers/${root.cid}?filter-protocols=transport-ipfs-gateway-http`);
      outgoing.writeHead(status, { 'content-type': type }).end(body);
    });
    const find = createGatewayFinder([router], { privateHosts: true });
    assert.equal((await find(root.cid, { signal })).length, found, what);
    if (found > 0) assert.equal((await fetch([gatewaySource(find)])).kept.size, blocks.length, what);
  }
  const broken: [string, (outgoing: ServerResponse) => void, string][] = [
    ['500', (outgoing) => { outgoing.writeHead(500).end(); }, 'HTTP_FAILED'],
    ['no JSON', (outgoing) => { outgoing.writeHead(200, { 'content-type': 'application/json' }).end('<html>'); }, 'HTTP_FAILED'],
    ['a line without end', (outgoing) => { outgoing.writeHead(200, { 'content-type': 'application/x-ndjson' }).end('x'.repeat(100_000)); }, 'LIMIT_EXCEEDED'],
    ['endless', (outgoing) => { outgoing.writeHead(200, { 'content-type': 'application/x-ndjson' }); const more = () => { while (!outgoing.destroyed && outgoing.write(`{"x":"${'x'.repeat(50_000)}"}\n`)); }; outgoing.on('drain', more); more(); }, 'LIMIT_EXCEEDED'],
    ['silence', () => {}, 'STALLED'],
  ];
  for (const [what, fault, code] of broken) {
    const router = await startHttp(t, (_incoming, outgoing) => fault(outgoing));
    await assert.rejects(createGatewayFinder([router], { timeoutMs: 1_000 })(root.cid, { signal }), { code }, what);
  }
  // On the public network a router cannot send anyone to this machine.
  const sly = await startHttp(t, (_incoming, outgoing) => { outgoing.writeHead(200, { 'content-type': 'application/x-ndjson' }).end(JSON.stringify(record)); });
  await assert.rejects(fetch([gatewaySource(createGatewayFinder([sly])), memorySource('none', [])]), /not on the public network/);
});
