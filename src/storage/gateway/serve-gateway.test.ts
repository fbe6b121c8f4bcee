import assert from 'node:assert/strict';
import { request, type IncomingHttpHeaders } from 'node:http';
import { test, type TestContext } from 'node:test';
import { CID } from 'multiformats/cid';
import { identity } from 'multiformats/hashes/identity';
import { readVarint } from '../car/varint.ts';
import { DIRECTORY, node, randomBlock } from '../storage.test-util.ts';
import { ByteQueue } from '../stream/byte-queue.ts';
import { readSections } from '../stream/read-sections.ts';
import { blockKey } from '../unixfs/links.ts';
import { verifyBlock } from '../blocks/verify.ts';
import { carBlocks } from './car-blocks.ts';
import { MAX_REPEATED_ANSWER_BYTES } from './constants.ts';
import { parseGatewayRequest } from './parse-request.ts';
import { serveGateway, type GatewayComponents, type ServeGatewayInit } from './serve-gateway.ts';

const CAR = 'application/vnd.ipld.car';
const RAW = 'application/vnd.ipld.raw';

/** A file of three chunks of 1000 bytes: UnixFS type 2, its size, the sizes of its chunks. */
const chunks = Array.from({ length: 3 }, () => randomBlock(1000));
const file = node(new Uint8Array([8, 2, 24, 0xb8, 0x17, 32, 0xe8, 7, 32, 0xe8, 7, 32, 0xe8, 7]), chunks.map(({ cid }) => ({ Name: '', Hash: cid, Tsize: 1000 })));
const small = randomBlock(10);
const folder = node(DIRECTORY, [{ Name: 'again', Hash: small.cid }, { Name: 'file', Hash: file.cid }, { Name: 'small ä', Hash: small.cid }]);
const root = node(DIRECTORY, [{ Name: 'folder', Hash: folder.cid }]);
const blocks = [root, folder, file, ...chunks, small];
const names = new Map(Object.entries({ root, folder, file, a: chunks[0]!, b: chunks[1]!, c: chunks[2]!, small }).map(([name, { cid }]) => [blockKey(cid), name]));

interface Answer { status: number; headers: IncomingHttpHeaders; body: Buffer; cut: boolean }

async function start(t: TestContext, components: Partial<GatewayComponents> = {}, init: Partial<ServeGatewayInit> = {}, without: readonly CID[] = []) {
  const held = new Map(blocks.filter(({ cid }) => !without.includes(cid)).map(({ cid, bytes }) => [blockKey(cid), bytes]));
  const gateway = await serveGateway({ read: async (cid) => held.get(blockKey(cid)), allows: async () => true, ...components }, { listen: '127.0.0.1:0', ...init });
  t.after(() => gateway.stop());
  return (path: string, headers: Record<string, string> = {}, method = 'GET') => new Promise<Answer>((resolve, reject) => {
    // Not fetch: a path is to arrive as it is written.
    const { hostname, port } = new URL(gateway.url);
    const outgoing = request({ hostname, port, path, method, headers }, (incoming) => {
      const parts: Buffer[] = [];
      incoming.on('data', (part: Buffer) => parts.push(part));
      incoming.on('error', () => {});
      incoming.on('close', () => resolve({ status: incoming.statusCode!, headers: incoming.headers, body: Buffer.concat(parts), cut: !incoming.complete }));
    });
    outgoing.on('error', reject);
    outgoing.end();
  });
}

/** The names of the blocks in a CAR, every one of them verified. */
async function blocksOf({ body }: Answer): Promise<string> {
  const header = readVarint(body, 0)!;
  const found: string[] = [];
  const rest = body.subarray(header.next + header.value);
  for await (const { cid, bytes } of readSections(new ByteQueue((async function* () { yield rest; })(), { signal: new AbortController().signal }))) {
    verifyBlock(cid, bytes);
    found.push(names.get(blockKey(cid)) ?? 'stranger');
  }
  return found.join(' ');
}

test('a raw block: by URL or by Accept, its headers, HEAD, ranges, conditions', async (t) => {
  const get = await start(t);
  for (const answer of [await get(`/ipfs/${small.cid}?format=raw`), await get(`/ipfs/${small.cid}`, { accept: RAW }), await get(`/ipfs/${small.cid}?format=raw`, { accept: CAR })]) {
    assert.equal(answer.status, 200);
    assert.equal(Buffer.compare(answer.body, small.bytes), 0);
    assert.equal(answer.headers['content-type'], RAW);
    assert.equal(answer.headers['content-length'], '10');
    assert.equal(answer.headers.etag, `"${small.cid}.raw"`);
    assert.match(answer.headers['cache-control']!, /public.*immutable/);
    assert.equal(answer.headers['x-ipfs-path'], `/ipfs/${small.cid}`);
    assert.equal(answer.headers['content-disposition'], `attachment; filename="${small.cid}.bin"`);
    assert.equal(answer.headers['x-content-type-options'], 'nosniff');
  }
  assert.match((await get(`/ipfs/${small.cid}`, { accept: RAW })).headers['content-location']!, /format=raw/);
  const head = await get(`/ipfs/${small.cid}?format=raw`, {}, 'HEAD');
  assert.deepEqual([head.status, head.body.length, head.headers['content-length']], [200, 0, '10']);
  const unchanged = await get(`/ipfs/${small.cid}?format=raw`, { 'if-none-match': `"x", "${small.cid}.raw"` });
  assert.deepEqual([unchanged.status, unchanged.body.length], [304, 0]);
  for (const [range, from, to] of [['bytes=2-4', 2, 5], ['bytes=7-', 7, 10], ['bytes=-3', 7, 10], ['bytes=0-99', 0, 10]] as const) {
    const part = await get(`/ipfs/${small.cid}?format=raw`, { range });
    assert.deepEqual([part.status, part.headers['content-range']], [206, `bytes ${from}-${to - 1}/10`]);
    assert.equal(Buffer.compare(part.body, small.bytes.subarray(from, to)), 0);
  }
  assert.equal((await get(`/ipfs/${small.cid}?format=raw`, { range: 'bytes=10-20' })).status, 416);
  assert.equal((await get(`/ipfs/${small.cid}?format=raw&filename=../%C3%A4%22x.bin`)).headers['content-disposition'], 'attachment; filename="../__x.bin"; filename*=UTF-8\'\'..%2F%C3%A4%22x.bin');
});

test('the probe path: the empty identity CID is everywhere', async (t) => {
  const get = await start(t, { allows: async () => false });
  const probe = await get('/ipfs/bafkqaaa?format=raw', { 'cache-control': 'only-if-cached' });
  assert.deepEqual([probe.status, probe.body.length], [200, 0]);
  assert.equal((await get('/ipfs/bafkqaaa?format=raw', {}, 'HEAD')).status, 200);
  const long = (size: number) => CID.createV1(0x55, identity.digest(new Uint8Array(size)));
  assert.equal((await get(`/ipfs/${long(128)}?format=raw`)).status, 200);
  assert.equal((await get(`/ipfs/${long(129)}?format=raw`)).status, 400);
});

test('a CAR: scopes, paths, ranges, order and duplicates', async (t) => {
  const get = await start(t);
  const all = await get(`/ipfs/${root.cid}?format=car`);
  assert.equal(all.headers['content-type'], `${CAR}; version=1; order=dfs; dups=n`);
  assert.equal(all.headers['content-disposition'], `attachment; filename="${root.cid}.car"`);
  const cases: Record<string, string> = {
    [`${root.cid}?`]: 'root folder small file a b c',
    [`${root.cid}?dag-scope=all&car-dups=y&`]: 'root folder small file a b c small',
    [`${root.cid}?dag-scope=block&`]: 'root',
    [`${root.cid}?dag-scope=entity&`]: 'root',
    [`${root.cid}/folder?dag-scope=entity&`]: 'root folder',
    [`${root.cid}/folder/file?`]: 'root folder file a b c',
    [`${root.cid}/folder/file?dag-scope=entity&`]: 'root folder file a b c',
    [`${root.cid}/folder/file?dag-scope=block&`]: 'root folder file',
    [`${root.cid}/folder/small%20%C3%A4?`]: 'root folder small',
    [`${file.cid}?entity-bytes=0:*&`]: 'file a b c',
    [`${file.cid}?entity-bytes=0:999&`]: 'file a',
    [`${file.cid}?entity-bytes=1000:1000&`]: 'file b',
    [`${file.cid}?entity-bytes=999:1000&`]: 'file a b',
    [`${file.cid}?entity-bytes=-1000:*&`]: 'file c',
    [`${file.cid}?entity-bytes=1500:-1001&`]: 'file b',
    [`${file.cid}?entity-bytes=2500:99999&`]: 'file c',
    [`${root.cid}?entity-bytes=5:6&`]: 'root',
    [`${root.cid}/folder/file?entity-bytes=-5:*&`]: 'root folder file c',
    [`${small.cid}?`]: 'small',
  };
  for (const [query, expected] of Object.entries(cases)) assert.equal(await blocksOf(await get(`/ipfs/${query}format=car`)), expected, query);
  const tags = await Promise.all(Object.keys(cases).map(async (query) => (await get(`/ipfs/${query}format=car`, {}, 'HEAD')).headers.etag));
  assert.equal(new Set(tags).size, tags.length);
  const dups = await get(`/ipfs/${root.cid}`, { accept: `text/html, ${CAR}; version=1; order=dfs; dups=y` });
  assert.equal(dups.headers['content-type'], `${CAR}; version=1; order=dfs; dups=y`);
  assert.equal((await get(`/ipfs/${root.cid}?format=car&car-dups=n`, { accept: `${CAR}; dups=y` })).headers['content-type'], `${CAR}; version=1; order=dfs; dups=n`);
  const head = await get(`/ipfs/${root.cid}?format=car`, {}, 'HEAD');
  assert.deepEqual([head.status, head.body.length], [200, 0]);
});

test('refusals: what is not asked rightly, not here, not allowed, denied', async (t) => {
  const stranger = randomBlock().cid;
  const denied = chunks[1]!.cid;
  const get = await start(t, { allows: async (cid) => !cid.equals(folder.cid), isDenied: (cid) => cid.equals(denied) });
  const cases: [string, Record<string, string>, number][] = [
    [`/ipfs/${small.cid}`, {}, 400], [`/ipfs/${small.cid}`, { accept: '*/*' }, 400], [`/ipfs/${small.cid}`, { accept: 'text/html' }, 406],
    [`/ipfs/${small.cid}?format=tar`, {}, 400], ['/ipfs/not-a-cid?format=raw', {}, 400], ['/ipfs/?format=raw', {}, 400], ['/?format=raw', {}, 404], ['/ipns/x?format=raw', {}, 501],
    [`/ipfs/${root.cid}/folder?format=raw`, {}, 400], [`/ipfs/${root.cid}/nothing?format=car`, {}, 404], [`/ipfs/${root.cid}/folder/file/below?format=car`, {}, 404],
    [`/ipfs/${root.cid}/../../etc/passwd?format=car`, {}, 404], [`/ipfs/${root.cid}/%ff?format=car`, {}, 400], [`/ipfs/${root.cid}/${'a/'.repeat(100)}?format=car`, {}, 414],
    [`/ipfs/${root.cid}?format=car&car-version=2`, {}, 400], [`/ipfs/${root.cid}?format=car&dag-scope=most`, {}, 400], [`/ipfs/${root.cid}?format=car&car-order=bfs`, {}, 400],
    [`/ipfs/${root.cid}`, { accept: `${CAR}; version=2` }, 406],
    [`/ipfs/${file.cid}?format=car&entity-bytes=x`, {}, 400], [`/ipfs/${file.cid}?format=car&entity-bytes=9:3`, {}, 400], [`/ipfs/${file.cid}?format=car&entity-bytes=3000:*`, {}, 400],
    [`/ipfs/${stranger}?format=raw`, {}, 404], [`/ipfs/${stranger}?format=car`, {}, 404], [`/ipfs/${stranger}?format=raw`, { 'cache-control': 'only-if-cached' }, 412],
    [`/ipfs/${folder.cid}?format=raw`, {}, 404], [`/ipfs/${denied}?format=raw`, {}, 410],
  ];
  for (const [path, headers, status] of cases) {
    const answer = await get(path, headers);
    assert.equal(answer.status, status, `${path} ${JSON.stringify(headers)}: ${answer.body}`);
    assert.equal(answer.headers['cache-control'], 'no-store');
  }
  const posted = await get(`/ipfs/${small.cid}?format=raw`, {}, 'POST');
  assert.deepEqual([posted.status, posted.headers.allow], [405, 'GET, HEAD, OPTIONS']);
  assert.equal((await get('/', {}, 'OPTIONS')).status, 204);
});

test('a block missing in the middle cuts the answer off, so that nobody takes it for whole', async (t) => {
  const get = await start(t, {}, {}, [chunks[1]!.cid]);
  const answer = await get(`/ipfs/${root.cid}?format=car`);
  assert.deepEqual([answer.status, answer.cut], [200, true]);
});

test('too many requests: 429, and when to come back', async (t) => {
  const get = await start(t, {}, { perMinute: 3 });
  const statuses: number[] = [];
  for (let i = 0; i < 4; i++) statuses.push((await get(`/ipfs/${small.cid}?format=raw`)).status);
  assert.deepEqual(statuses, [200, 200, 200, 429]);
  const gate = Promise.withResolvers<void>();
  const slow = await start(t, { read: async () => { await gate.promise; return small.bytes; } }, { concurrency: 1 });
  const [first, second] = [slow(`/ipfs/${small.cid}?format=raw`), slow(`/ipfs/${small.cid}?format=raw`)];
  const refused = await Promise.race([first, second]);
  assert.deepEqual([refused.status, refused.headers['retry-after']], [429, '10']);
  gate.resolve();
  assert.deepEqual([(await first).status, (await second).status].sort(), [200, 429]);
});

test('one address never has all of the requests; the others come through', async (t) => {
  const gate = Promise.withResolvers<void>();
  t.after(() => gate.resolve());
  const get = await start(t, { read: async () => { await gate.promise; return small.bytes; } }, { concurrency: 8, perAddress: 2 });
  const held = [get(`/ipfs/${small.cid}?format=raw`), get(`/ipfs/${small.cid}?format=raw`)];
  const third = await Promise.race([...held, get(`/ipfs/${small.cid}?format=raw`)]);
  assert.equal(third.status, 429);
  gate.resolve();
  assert.deepEqual((await Promise.all(held)).map(({ status }) => status), [200, 200]);
  assert.equal((await get(`/ipfs/${small.cid}?format=raw`)).status, 200, 'what has ended does not count any more');
});

test('a DAG of few blocks and endlessly many paths: repeats are asked for, and cut off', async (t) => {
  // Each level holds the one below twice: 2^40 paths through 41 blocks; the leaf is as large as may be, so that the limit is met soon.
  const leaf = randomBlock(2 << 20);
  const tower = [leaf];
  for (let level = 0; level < 40; level++) tower.push(node(DIRECTORY, ['a', 'b'].map((Name) => ({ Name, Hash: tower.at(-1)!.cid }))));
  const held = new Map(tower.map(({ cid, bytes }) => [blockKey(cid), bytes]));
  const get = await start(t, { read: async (cid) => held.get(blockKey(cid)) });
  const once = await get(`/ipfs/${tower.at(-1)!.cid}?format=car&car-dups=n`);
  assert.deepEqual([once.status, once.cut], [200, false]);
  assert.ok(once.body.length < 3 << 20);
  const request: Parameters<typeof carBlocks>[0] = { ...parseGatewayRequest(`/ipfs/${tower.at(-1)!.cid}?format=car&car-dups=y`, {}) };
  let bytes = 0;
  await assert.rejects(async () => {
    for await (const block of await carBlocks(request, async (cid) => held.get(blockKey(cid)), { signal: new AbortController().signal })) bytes += block.bytes.length;
  }, { code: 'LIMIT_EXCEEDED' });
  assert.ok(bytes >= MAX_REPEATED_ANSWER_BYTES * 0.99 && bytes < MAX_REPEATED_ANSWER_BYTES + (16 << 20));
});
