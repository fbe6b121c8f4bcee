import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { describe, before, after, test } from 'node:test';
import * as dagPb from '@ipld/dag-pb';
import { CID } from 'multiformats/cid';
import { identity } from 'multiformats/hashes/identity';
import { readVarint } from '../../../src/storage/car/varint.ts';
import { readCarHeader } from '../../../src/storage/car/read-header.ts';
import { serveGateway, type ServedGateway } from '../../../src/storage/gateway/serve-gateway.ts';
import { cidOf, DIRECTORY, fileNode, node, randomBlock } from '../../../src/storage/storage.test-util.ts';
import { ByteQueue } from '../../../src/storage/stream/byte-queue.ts';
import { readSections } from '../../../src/storage/stream/read-sections.ts';
import { importDirectory } from '../../../src/storage/unixfs/import-tree.ts';
import { blockKey } from '../../../src/storage/unixfs/links.ts';
import { verifyBlock } from '../../../src/storage/blocks/verify.ts';

/**
 * The cases of the trustless gateway specification (specs.ipfs.tech/http-gateways/trustless-gateway) and of the conformance suite that goes with it
 * (github.com/ipfs/gateway-conformance, MIT and Apache-2.0), which are facts, on data of our own.
 */
type Block = { cid: CID; bytes: Uint8Array };
const held = new Map<string, Uint8Array>();
const keep = <T extends Block>(block: T): T => {
  held.set(blockKey(block.cid), block.bytes);
  return block;
};

// 4 chunks of 256 bytes and one of 2, as the suite has it.
const chunks = [256, 256, 256, 256, 2].map((size) => keep(randomBlock(size)));
const multi = keep(fileNode(new Uint8Array(), chunks.map(({ cid, bytes }) => ({ cid, bytes: bytes.length }))));
const lacking = keep(fileNode(new Uint8Array(), [chunks[0]!, randomBlock(256), chunks[2]!].map(({ cid, bytes }) => ({ cid, bytes: bytes.length }))));
const empty = keep(fileNode(new Uint8Array(), []));
const ascii = keep(randomBlock(31));
const inline = CID.createV1(0x55, identity.digest(Buffer.from('hello from inside')));
const sub = keep(node(DIRECTORY, [{ Name: 'ascii.txt', Hash: ascii.cid }, { Name: 'multiblock.txt', Hash: multi.cid }]));
const dir = keep(node(DIRECTORY, [{ Name: 'subdir', Hash: sub.cid }]));
const twice = keep(node(DIRECTORY, [{ Name: 'a', Hash: ascii.cid }, { Name: 'b', Hash: ascii.cid }, { Name: 'inline', Hash: inline }, { Name: 'm', Hash: multi.cid }]));
// CBOR of { "link": 42(CID) } is all that matters of it: it is not UnixFS.
const link = Buffer.from([0, ...ascii.cid.bytes]);
const document = (() => {
  const bytes = Buffer.concat([Uint8Array.of(0xa1, 0x64), Buffer.from('link'), Uint8Array.of(0xd8, 0x2a, 0x58, link.length), link]);
  return keep({ cid: cidOf(bytes, 0x71), bytes });
})();
const mixed = keep(node(DIRECTORY, [{ Name: 'document', Hash: document.cid }]));
// The same in DAG-JSON, and one that leads on: to a list, by a link in it, into the plain directory.
const json = ((bytes) => keep({ cid: cidOf(bytes, 0x0129), bytes }))(Buffer.from(JSON.stringify({ a: { '/': String(ascii.cid) }, list: [1, { deep: { '/': String(dir.cid) } }], '/': 'no link' })));
const malformed = ((bytes) => keep({ cid: cidOf(bytes, 0x71), bytes }))(Buffer.concat([Uint8Array.of(0xa1, 0x61, 0x61), Buffer.alloc(20_000, 0x81)]));
let sharded: CID;
let gateway: ServedGateway;

/** What a path leads to in a sharded directory, read by the specification of HAMTs alone: the shards on the way, then the entry. */
function wayTo(name: string, at = sharded, way: CID[] = []): CID[] | undefined {
  for (const { cid, label } of linksNamed(at)) {
    if (label.slice(2) === name) return [...way, at, cid];
    const found = label.length === 2 ? wayTo(name, cid, [...way, at]) : undefined;
    if (found !== undefined) return found;
  }
  return undefined;
}

function shardsBelow(at: CID): CID[] {
  return [at, ...linksNamed(at).filter(({ label }) => label.length === 2).flatMap(({ cid }) => shardsBelow(cid))];
}

function linksNamed(at: CID): { cid: CID; label: string }[] {
  return at.code === dagPb.code ? dagPb.decode(held.get(blockKey(at))!).Links.map(({ Hash, Name }) => ({ cid: Hash, label: Name ?? '' })) : [];
}

async function get(path: string, headers: Record<string, string> = {}, method = 'GET') {
  const answer = await fetch(`${gateway.url}/ipfs/${path}`, { headers, method });
  return { status: answer.status, headers: answer.headers, body: Buffer.from(await answer.arrayBuffer()) };
}

/** The blocks of a CAR, verified, as they came. */
async function car(path: string, headers: Record<string, string> = {}): Promise<CID[]> {
  const { status, body, headers: came } = await get(path, headers);
  assert.equal(status, 200, `${path}: ${body}`);
  assert.match(came.get('content-type')!, /^application\/vnd\.ipld\.car; ?version=1; ?order=dfs; ?dups=[yn]$/);
  assert.match(came.get('content-disposition')!, /^attachment; filename="[^"]+\.car"$/);
  assert.equal(came.get('x-content-type-options'), 'nosniff');
  const { version } = await readCarHeader({ size: body.length, read: async (offset, count) => body.subarray(offset, offset + count) });
  assert.equal(version, 1);
  const { value, next } = readVarint(body, 0)!;
  const found: CID[] = [];
  for await (const block of readSections(new ByteQueue((async function* () { yield body.subarray(next + value); })(), { signal: new AbortController().signal }))) {
    verifyBlock(block.cid, block.bytes);
    found.push(block.cid);
  }
  return found;
}

const same = async (path: string, expected: readonly (CID | Block)[], headers?: Record<string, string>) => (
  assert.deepEqual((await car(path, headers)).map(String), expected.map((one) => String('cid' in one ? one.cid : one)), path));

describe('trustless gateway', () => {
  before(async () => {
    const names = Array.from({ length: 9_000 }, (_, i) => `${i}.txt`);
    ({ cid: sharded } = await importDirectory({
      put: async (cid, value) => { held.set(blockKey(cid), (value as Uint8Array).slice()); return cid; },
    }, names.map((name) => ({ name, cid: name === '685.txt' ? multi.cid : ascii.cid, bytes: 31 }))));
    gateway = await serveGateway({ read: async (cid) => held.get(blockKey(cid)), allows: async () => true }, { listen: '127.0.0.1:0', perMinute: 10_000 });
  });
  after(() => gateway.stop());

  test('pathing: the blocks on the way and those behind it, in this order; through a sharded directory only the shards on the way', async () => {
    await same(`${dir.cid}/subdir/ascii.txt?format=car`, [dir, sub, ascii]);
    await same(`${sharded}/685.txt?format=car`, [...wayTo('685.txt')!, ...chunks]);
    await same(`${sharded}/685.txt?format=car&car-dups=y`, [...wayTo('685.txt')!, ...chunks]);
    await same(`${sharded}/1.txt?format=car&dag-scope=block`, wayTo('1.txt')!);
    assert.equal((await get(`${dir.cid}/subdir/i-do-not-exist?format=car`)).status, 404);
    assert.equal((await get(`${sharded}/i-do-not-exist?format=car`)).status, 404);
    assert.equal((await get(`${dir.cid}/subdir%2Fascii.txt?format=car`)).status, 404);
  });

  test('dag-scope: block, entity, all; of plain and sharded directories, of files', async () => {
    await same(`${dir.cid}/subdir?format=car&dag-scope=block`, [dir, sub]);
    await same(`${dir.cid}/subdir/ascii.txt?format=car&dag-scope=block`, [dir, sub, ascii]);
    await same(`${dir.cid}?format=car&dag-scope=entity`, [dir]);
    const shards = await car(`${sharded}?format=car&dag-scope=entity`);
    assert.deepEqual(shards.map(String).sort(), shardsBelow(sharded).map(String).sort());
    assert.ok(shards.length > 100 && shards[0]!.equals(sharded));
    await same(`${dir.cid}/subdir/multiblock.txt?format=car&dag-scope=entity`, [dir, sub, multi, ...chunks]);
    await same(`${dir.cid}/subdir?format=car&dag-scope=all`, [dir, sub, ascii, multi, ...chunks]);
  });

  test('what is not UnixFS: an entity of it is its block; all of it is not walked here, and said so before anything is sent', async () => {
    for (const scope of ['entity', 'block']) await same(`${mixed.cid}/document?format=car&dag-scope=${scope}`, [mixed, document]);
    await same(`${document.cid}?format=car&entity-bytes=0:*`, [document]);
    assert.equal((await get(`${document.cid}?format=car`)).status, 501);
    assert.equal((await get(`${document.cid}?format=raw`)).body.compare(document.bytes), 0);
  });

  test('documents of maps, lists and links: a path leads through them, from one codec to the next; one that ends within a document ends at its block', async () => {
    await same(`${document.cid}/link?format=car`, [document, ascii]);
    await same(`${mixed.cid}/document/link?format=car`, [mixed, document, ascii]);
    await same(`${json.cid}/a?format=car`, [json, ascii]);
    await same(`${json.cid}/list/1/deep/subdir/multiblock.txt?format=car&entity-bytes=0:1`, [json, dir, sub, multi, chunks[0]!]);
    await same(`${json.cid}/list/1?format=car&dag-scope=block`, [json]);
    for (const path of [`${document.cid}/nothing`, `${document.cid}/link/further`, `${json.cid}/list/2`, `${json.cid}/list/-1`, `${json.cid}/list/length`, `${json.cid}/__proto__`, `${json.cid}/list/0/x`]) {
      assert.equal((await get(`${path}?format=car`)).status, 404, path);
    }
    assert.equal((await get(`${malformed.cid}/a?format=car`)).status, 422);
    assert.equal((await get(`${cidOf(document.bytes, 0x0129)}/link?format=car`)).status, 422);
  });

  test('what is accepted counts by its weight, and only what can be served; where the headers chose, the answer says where it lies', async () => {
    const type = async (path: string, accept: string) => {
      const { status, headers } = await get(path, { accept });
      return [status, headers.get('content-type'), headers.get('content-location')];
    };
    const [raw, carType] = ['application/vnd.ipld.raw', 'application/vnd.ipld.car'];
    const served = (dups: string) => `${carType}; version=1; order=dfs; dups=${dups}`;
    const at = `/ipfs/${multi.cid}`;
    assert.deepEqual(await type(`${multi.cid}`, `${carType};q=0.5, ${raw}`), [200, raw, `${at}?format=raw`]);
    assert.deepEqual(await type(`${multi.cid}`, `${raw};q=0, ${carType};q=0.1`), [200, served('n'), `${at}?format=car`]);
    assert.deepEqual(await type(`${multi.cid}`, `${carType};order=other, ${carType};order=dfs;dups=y;q=0.5`), [200, served('y'), `${at}?format=car&car-order=dfs&car-dups=y`]);
    assert.deepEqual(await type(`${multi.cid}?format=car`, raw), [200, served('n'), `${at}?format=car`]);
    assert.deepEqual(await type(`${multi.cid}?format=car`, `${carType};dups=y`), [200, served('y'), `${at}?format=car&car-dups=y`]);
    assert.deepEqual(await type(`${multi.cid}?format=raw`, raw), [200, raw, null]);
    assert.equal((await get(String(multi.cid), { accept: `${carType};order=other` })).status, 400);
    // A CAR has no ranges; a tag is the same whether or not a cache made it a weak one.
    const whole = await get(`${multi.cid}?format=car`, { range: 'bytes=0-1' });
    assert.deepEqual([whole.status, whole.headers.get('accept-ranges')], [200, 'none']);
    assert.equal((await get(`${multi.cid}?format=raw`, {}, 'HEAD')).headers.get('accept-ranges'), 'bytes');
    const tag = (await get(`${multi.cid}?format=raw`)).headers.get('etag')!;
    assert.equal((await get(`${multi.cid}?format=raw`, { 'if-none-match': `"other", W/${tag}` })).status, 304);
  });

  test('entity-bytes: the least that proves the range, whatever else is missing', async () => {
    await same(`${lacking.cid}?format=car&entity-bytes=0:255`, [lacking, chunks[0]!]);
    await same(`${lacking.cid}?format=car&entity-bytes=520:*`, [lacking, chunks[2]!]);
    const cases: [string, Block[]][] = [
      ['0:*', chunks], ['512:*', chunks.slice(2)], ['512:1023', chunks.slice(2, 4)], ['512:-256', chunks.slice(2, 4)], ['-5:*', chunks.slice(3)],
      ['-9999:*', chunks], ['-9999:-3', chunks.slice(0, 4)], ['0:0', chunks.slice(0, 1)], ['1025:99999', chunks.slice(4)],
    ];
    for (const [range, expected] of cases) await same(`${multi.cid}?format=car&dag-scope=entity&entity-bytes=${range}`, [multi, ...expected]);
    // Of no length, or of nothing: the root says why.
    await same(`${empty.cid}?format=car&entity-bytes=0:*`, [empty]);
    await same(`${multi.cid}?format=car&entity-bytes=600:-600`, [multi]);
    assert.equal((await get(`${multi.cid}?format=car&entity-bytes=5000:6000`)).status, 400);
    // A directory has no bytes.
    assert.deepEqual((await car(`${sharded}?format=car&entity-bytes=0:*`)).map(String).sort(), shardsBelow(sharded).map(String).sort());
    await same(`${dir.cid}?format=car&entity-bytes=3:4`, [dir]);
  });

  test('order and duplicates; what is inside a CID is no block', async () => {
    const accept = (rest: string) => ({ accept: `application/vnd.ipld.car; version=1; ${rest}` });
    await same(`${twice.cid}`, [twice, ascii, ascii, multi, ...chunks], accept('order=dfs; dups=y'));
    await same(`${twice.cid}`, [twice, ascii, multi, ...chunks], accept('order=dfs; dups=n'));
    await same(`${twice.cid}`, [twice, ascii, multi, ...chunks], accept('order=unk'));
    // The URL names the format, the header the rest; where both say something, the URL counts.
    await same(`${twice.cid}?format=car`, [twice, ascii, ascii, multi, ...chunks], accept('order=dfs; dups=y'));
    await same(`${twice.cid}?format=car&car-dups=n`, [twice, ascii, multi, ...chunks], accept('dups=y'));
    await same(`${inline}?format=car`, [], { accept: 'application/vnd.ipld.car; dups=y' });
    await same('bafkqaaa?format=car', []);
    assert.equal((await get('bafkqaaa?format=car', {}, 'HEAD')).status, 200);
  });

  test('a root that is not here is 404, by GET and HEAD, as a block and as a CAR; a tag for each question', async () => {
    const { cid } = randomBlock();
    for (const format of ['raw', 'car']) for (const method of ['GET', 'HEAD']) assert.equal((await get(`${cid}?format=${format}`, {}, method)).status, 404);
    const questions = ['dag-scope=all', 'dag-scope=entity', 'dag-scope=block', 'entity-bytes=0:1', 'entity-bytes=0:2', 'car-dups=y'];
    const tags = await Promise.all(questions.map(async (question) => (await get(`${multi.cid}?format=car&${question}`, {}, 'HEAD')).headers.get('etag')));
    assert.equal(new Set(tags).size, questions.length);
    for (const [i, question] of questions.entries()) assert.equal((await get(`${multi.cid}?format=car&${question}`, { 'if-none-match': tags[i]! })).status, 304);
  });

  test('random requests: an answer, and no crash', async () => {
    for (let i = 0; i < 100; i++) {
      const { status } = await get(`${randomBytes(6).toString('hex')}/${encodeURIComponent(randomBytes(3).toString('latin1'))}?format=${['car', 'raw', 'x'][i % 3]}`);
      assert.ok([400, 404, 429].includes(status), String(status));
    }
  });
});
