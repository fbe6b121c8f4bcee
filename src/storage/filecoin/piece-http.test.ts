import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import type { CID } from 'multiformats/cid';
import { carOf, carV2Of } from '../car/car.test-util.ts';
import { fetchDag } from '../fetch/fetch-dag.ts';
import { commP } from '../piece/commp.ts';
import { Catalogue } from '../shelf/catalogue.ts';
import { cidOf, DIRECTORY, node, randomBlock, startStorage, tempDir } from '../storage.test-util.ts';
import { blockKey } from '../unixfs/links.ts';
import { fetchPiece } from './fetch-piece.ts';
import { PieceHttp, type PieceHttpInit } from './piece-http.ts';
import { pieceSource } from './piece-source.ts';
import { createBudget, freeRetrieval } from './retrieval-payment.ts';

const { signal } = new AbortController();
const leaves = Array.from({ length: 40 }, (_, i) => randomBlock([100, 70_000, 1 << 20][i % 3]));
const root = node(DIRECTORY, leaves.map(({ cid }, i) => ({ Name: String(i).padStart(2, '0'), Hash: cid })));
const strangers = Array.from({ length: 5 }, () => randomBlock(5_000));
const blocks = [root, ...leaves];

type Serve = (piece: Uint8Array, from: number, to: number, outgoing: ServerResponse, incoming: IncomingMessage) => void;
const honest: Serve = (piece, from, to, outgoing) => {
  outgoing.writeHead(206, { 'content-range': `bytes ${from}-${to}/${piece.length}`, 'content-length': to - from + 1 }).end(piece.subarray(from, to + 1));
};

/** A provider of one piece. */
async function startProvider(t: TestContext, cid: CID, piece: Uint8Array, serve: Serve = honest): Promise<{ url: URL; trusted: boolean; requests: string[] }> {
  const requests: string[] = [];
  const server = createServer((incoming, outgoing) => {
    requests.push(`${incoming.headers.range}`);
    const range = /^bytes=(\d+)-(\d+)$/.exec(incoming.headers.range ?? '');
    if (incoming.url !== `/piece/${cid}` || range === null) return void outgoing.writeHead(404).end();
    serve(piece, Number(range[1]), Math.min(Number(range[2]), piece.length - 1), outgoing, incoming);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => { server.closeAllConnections(); server.close(); });
  return { url: new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`), trusted: true, requests };
}

const faults: Record<string, Serve> = {
  'all of it instead of the range': (piece, _from, _to, outgoing) => { outgoing.writeHead(200, { 'content-length': piece.length }).end(piece); },
  'another range': (piece, _from, _to, outgoing) => { outgoing.writeHead(206, { 'content-range': `bytes 0-9/${piece.length}` }).end(piece.subarray(0, 10)); },
  'no range stated': (piece, from, to, outgoing) => { outgoing.writeHead(206).end(piece.subarray(from, to + 1)); },
  'cut off': (piece, from, to, outgoing) => {
    outgoing.writeHead(206, { 'content-range': `bytes ${from}-${to}/${piece.length}`, 'content-length': to - from + 1 });
    outgoing.write(piece.subarray(from, Math.floor((from + to) / 2)));
    setImmediate(() => outgoing.socket?.destroySoon());
  },
  'stalled': (piece, from, to, outgoing) => { outgoing.writeHead(206, { 'content-range': `bytes ${from}-${to}/${piece.length}` }).write(''); },
  'silent': () => {},
  'failing': (_piece, _from, _to, outgoing) => { outgoing.writeHead(500).end(); },
  'asking for money': (_piece, _from, _to, outgoing) => { outgoing.writeHead(402).end(); },
  'sending elsewhere': (_piece, _from, _to, outgoing) => { outgoing.writeHead(302, { location: 'http://127.0.0.1:1/' }).end(); },
};

const free = () => createBudget(freeRetrieval);
const http = (init: Partial<PieceHttpInit> & Pick<PieceHttpInit, 'providers'>) => new PieceHttp({ budget: free(), ...init });
/** Where somebody is waited for who never comes. */
const IMPATIENT = { headTimeoutMs: 1_000, stallMs: 1_000 };

async function openCatalogue(t: TestContext): Promise<Catalogue> {
  const catalogue = new Catalogue(join(await tempDir(t), 'catalogue'));
  await catalogue.open();
  t.after(() => catalogue.close());
  return catalogue;
}

async function fetchAll(source: ReturnType<typeof pieceSource>) {
  const kept = new Map<string, Uint8Array>();
  const receipt = await fetchDag(root.cid, { sources: [source], keep: async (cid, bytes) => { kept.set(blockKey(cid), bytes.slice()); } });
  for (const { cid, bytes } of blocks) assert.equal(Buffer.compare(kept.get(blockKey(cid))!, bytes), 0);
  return receipt;
}

test('a DAG inside a piece: its place is found once, and it comes in few ranges; single blocks by theirs; CARs of both versions', async (t) => {
  const payload = [...strangers.slice(0, 3), ...blocks, ...strangers.slice(3)];
  for (const car of [carOf(root.cid, payload), carV2Of(root.cid, payload, 'sorted'), Buffer.concat([carOf(root.cid, payload), Buffer.alloc(3_000)])]) {
    const { cid } = await commP([car]);
    const provider = await startProvider(t, cid, car);
    const catalogue = await openCatalogue(t);
    const source = pieceSource({ catalogue, http: http({ providers: [provider] }) }, [cid]);
    assert.equal(await source.has(leaves[7]!.cid, { signal }), true);
    assert.equal(await source.has(randomBlock().cid, { signal }), false);
    const indexed = provider.requests.length;
    const { blocks: count } = await fetchAll(source);
    assert.equal(count, blocks.length);
    assert.ok(provider.requests.length - indexed <= 8, `${provider.requests.length - indexed} requests`);
    assert.equal(Buffer.compare(await source.read(leaves[7]!.cid, { signal }), leaves[7]!.bytes), 0);
    await assert.rejects(source.read(randomBlock().cid, { signal }), { code: 'NOT_FOUND' });
    // What is in the piece is kept: another source over the same catalogue does not read it again.
    const before = provider.requests.length;
    assert.equal(await pieceSource({ catalogue, http: http({ providers: [provider] }) }, [cid]).has(root.cid, { signal }), true);
    assert.equal(provider.requests.length, before);
  }
});

test('blocks that lie scattered over two pieces are all found', async (t) => {
  const cars = [blocks.filter((_block, i) => i % 2 === 0), blocks.filter((_block, i) => i % 2 === 1)].map((part) => carOf(root.cid, part));
  const cids = await Promise.all(cars.map(async (car) => (await commP([car])).cid));
  const providers = await Promise.all(cars.map((car, i) => startProvider(t, cids[i]!, car)));
  await fetchAll(pieceSource({ catalogue: await openCatalogue(t), http: http({ providers }) }, cids));
});

test('providers that misbehave, each before one that does not: the piece comes whole, and its blocks come right', async (t) => {
  const car = carOf(root.cid, blocks);
  const { cid } = await commP([car]);
  for (const [what, fault] of Object.entries(faults)) {
    const dir = await tempDir(t);
    const providers = [await startProvider(t, cid, car, fault), await startProvider(t, cid, car)];
    await fetchPiece(http({ providers, ...IMPATIENT }), cid, join(dir, 'piece.car'), { signal });
    assert.equal(Buffer.compare(await readFile(join(dir, 'piece.car')), car), 0, what);
    await fetchAll(pieceSource({ catalogue: await openCatalogue(t), http: http({ providers, ...IMPATIENT }) }, [cid]));
    await assert.rejects(fetchPiece(http({ providers: providers.slice(0, 1), ...IMPATIENT }), cid, join(dir, 'other.car'), { signal }), { code: 'NOT_FOUND' }, what);
  }
  // A provider that has other bytes at the place of some blocks is found out by their hashes, and left.
  const liar = await startProvider(t, cid, car, (piece, from, to, outgoing, incoming) => {
    const wrong = Buffer.from(piece);
    wrong.fill(7, 2_000_000, 2_000_100);
    honest(wrong, from, to, outgoing, incoming);
  });
  await fetchAll(pieceSource({ catalogue: await openCatalogue(t), http: http({ providers: [liar, await startProvider(t, cid, car)] }) }, [cid]));
});

test('a whole piece: checked by its commitment, resumed where it was broken off, never left half under its name', async (t) => {
  const dir = await tempDir(t);
  const piece = randomBytes(20 << 20);
  const { cid } = await commP([piece]);
  let broken = true;
  const provider = await startProvider(t, cid, piece, (bytes, from, to, outgoing, incoming) => {
    if (broken && from > 0) outgoing.destroy();
    else honest(bytes, from, to, outgoing, incoming);
  });
  const target = join(dir, 'piece');
  await assert.rejects(fetchPiece(http({ providers: [provider] }), cid, target, { signal }), { code: 'NOT_FOUND' });
  assert.deepEqual((await readdir(dir)).map((name) => name.startsWith('.piece.')), [true]);
  broken = false;
  const before = provider.requests.length;
  const progress: number[] = [];
  assert.deepEqual(await fetchPiece(http({ providers: [provider] }), cid, target, { signal, onProgress: ({ bytes }) => progress.push(bytes) }), { bytes: piece.length });
  assert.ok(provider.requests.slice(before).slice(1).every((range) => !range.startsWith('bytes=0-')), 'what had come was not asked for again');
  assert.equal(progress.at(-1), piece.length);
  assert.equal(Buffer.compare(await readFile(target), piece), 0);
  assert.deepEqual(await readdir(dir), ['piece']);
  await assert.rejects(fetchPiece(http({ providers: [provider] }), cid, target, { signal }), { code: 'DESTINATION_EXISTS' });

  const forged = await startProvider(t, cid, randomBytes(piece.length));
  await assert.rejects(fetchPiece(http({ providers: [forged] }), cid, join(dir, 'forged'), { signal }), { code: 'PIECE_INVALID' });
  await assert.rejects(fetchPiece(http({ providers: [provider] }), cidOf(piece), join(dir, 'x'), { signal }), { code: 'FORMAT_UNSUPPORTED' });
  await assert.rejects(fetchPiece(http({ providers: [provider] }), cid, join(dir, 'full'), { signal, requireSpace: async () => { throw new Error('full'); } }), /full/);
  assert.deepEqual((await readdir(dir)).filter((name) => !name.startsWith('.')), ['piece']);
});

test('what is kept of a piece was tampered with: fetched anew, and no provider is blamed; a link or a pipe in its place is not written through', async (t) => {
  const dir = await tempDir(t);
  const piece = randomBytes(3 << 20);
  const { cid } = await commP([piece]);
  const provider = await startProvider(t, cid, piece);
  const target = join(dir, 'piece');
  const part = join(dir, `.piece.${cid}.part`);
  const source = http({ providers: [provider] });
  for (const tampered of [randomBytes(1 << 20), Buffer.concat([piece, randomBytes(100)]), Buffer.alloc(1)]) {
    await writeFile(part, tampered);
    assert.deepEqual(await fetchPiece(source, cid, target, { signal }), { bytes: piece.length });
    assert.equal(Buffer.compare(await readFile(target), piece), 0);
    await rm(target);
  }
  const precious = join(dir, 'precious');
  await writeFile(precious, 'precious');
  await symlink(precious, part);
  await assert.rejects(fetchPiece(source, cid, target, { signal }), { code: 'NOT_A_FILE' });
  assert.equal(await readFile(precious, 'utf8'), 'precious');
  await rm(part);
  execFileSync('mkfifo', [part]);
  await assert.rejects(fetchPiece(source, cid, target, { signal }), { code: 'NOT_A_FILE' });
});

test('nothing is paid without a cap, never more than the cap, and only for what came', async (t) => {
  const piece = randomBytes(20 << 20);
  const { cid } = await commP([piece]);
  const [dear, cheap] = [await startProvider(t, cid, piece), await startProvider(t, cid, piece)];
  const paid = new Map<string, bigint>();
  const payment = {
    pricePerMiB: async (host: string) => (host === dear.url.host ? 10n : host === cheap.url.host ? 1n : 0n),
    pay: async (host: string, amount: bigint) => { paid.set(host, (paid.get(host) ?? 0n) + amount); },
  };
  const dir = await tempDir(t);
  const run = (name: string, cap: bigint, providers = [dear]) => fetchPiece(http({ providers, budget: createBudget(payment, { cap }) }), cid, join(dir, name), { signal });
  await assert.rejects(run('none', 0n), { code: 'NOT_FOUND', message: /asks for more than may be spent/ });
  assert.equal(dear.requests.length + paid.size, 0);
  await assert.rejects(run('little', 90n), { code: 'NOT_FOUND' });
  assert.ok([...paid.values()].reduce((sum, one) => sum + one, 0n) <= 90n);
  paid.clear();
  await run('enough', 2_000n, [dear, cheap]);
  const total = [...paid.values()].reduce((sum, one) => sum + one, 0n);
  assert.ok(total >= 20n && total <= 2_000n);
});

test('a storage told of providers and pieces: fetches what is in them, and whole pieces', async (t) => {
  const car = carOf(root.cid, blocks);
  const { cid } = await commP([car]);
  const provider = await startProvider(t, cid, car);
  const { storage, dir } = await startStorage(t, { offline: true, remote: { filecoin: { providers: [provider.url.href], pieces: [cid.toString()] } } });
  const receipt = await storage.fetch(root.cid);
  assert.deepEqual(receipt.sources.filter(({ blocks: count }) => count > 0).map(({ name, local }) => [name, local]), [['piece-http', false]]);
  assert.equal((await storage.locality(root.cid)).share, 1);
  assert.deepEqual(await storage.exportPiece(cid, join(dir, 'piece.car')), { bytes: car.length });
  const { storage: alone } = await startStorage(t, { offline: true });
  await assert.rejects(alone.exportPiece(cid, join(dir, 'other.car')), { code: 'NOT_FOUND' });
});
