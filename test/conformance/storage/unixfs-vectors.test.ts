import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import * as dagPb from '@ipld/dag-pb';
import { CID } from 'multiformats/cid';
import * as raw from 'multiformats/codecs/raw';
import { identity } from 'multiformats/hashes/identity';
import { parseCid } from '../../../src/protocol/index.ts';
import { cidOf, startStorage } from '../../../src/storage/storage.test-util.ts';
import { LocalBlocks } from '../../../src/storage/blocks/local-blocks.ts';
import { symlinkNode } from '../../../src/storage/unixfs/symlink.ts';

/** Facts of the test vectors in the UnixFS specification (specs.ipfs.tech/unixfs, "Appendix: Test Vectors"): made with Kubo. */
const ASCII = 'hello application/vnd.ipld.car\n';
const HELLO = 'hello world\n';
const TREES: Record<string, Record<string, string>> = {
  bafybeietjm63oynimmv5yyqay33nui4y4wx6u3peezwetxgiwvfmelutzu: { 'subdir/ascii.txt': ASCII, 'subdir/hello.txt': HELLO },
  bafybeiegxwlgmoh2cny7qlolykdf7aq7g6dlommarldrbm7c4hbckhfcke: { 'foo/bar.txt': 'Hello, world!\n', 'foo.txt': 'Hello, IPFS!\n' },
  bafybeig675grnxcmshiuzdaz2xalm6ef4thxxds6o6ypakpghm5kghpc34: { 'Portugal%2C+España=Peninsula Ibérica.txt': 'hello from a percent encoded filename\n' },
  bafybeiczsscdsbs7ffqz55asqdf3smv6klcw3gofszvwlyarci47bgf354: {},
};

/** dag-pb nodes that are no UnixFS: CID and bytes in hex. */
const INVALID: [string, string][] = [
  ['bafybeihdwdcefgh4dqkjv67uzcmw7ojee6xedzdetojuzjevtenxquvyku', ''],
  ['bafybeihyivpglm6o6wrafbe36fp5l67abmewk7i2eob5wacdbhz7as5obe', '12240a2212207521fe19c374a97759226dc5c0c8e674e73950e81b211f7dd3b6b30883a08a51'],
  ['bafybeibh647pmxyksmdm24uad6b5f7tx4dhvilzbg2fiqgzll4yek7g7y4', '12340a2212208ab7a6c5e74737878ac73863cb76739d15d4666de44e5756bf55a2f9e9ab5f431209736f6d65206c696e6b1880c2d72f12370a2212208ab7a6c5e74737878ac73863cb76739d15d4666de44e5756bf55a2f9e9ab5f44120f736f6d65206f74686572206c696e6b18080a09736f6d652064617461'],
  ['bafybeibazl2z4vqp2tmwcfag6wirmtpnomxknqcgrauj7m2yisrz3qjbom', '0a050001020304'],
  ['bafybeiaqfni3s5s2k2r6rgpxz4hohdsskh44ka5tk6ztbjerqpvxwfkwaq', '0a00'],
  ['bafybeia53f5n75ituvc3yupuf7tdnxf6fqetrmo2alc6g6iljkmk7ys5mm', '120b0a09015500050001020304'],
  ['bafybeifq4hcxma3kjljrpxtunnljtc6tvbkgsy3vldyfpfbx2lij76niyu', '12160a090155000500010203041209736f6d65206e616d65'],
  ['bafybeie7fstnkm4yshfwnmpp7d3mlh4f4okmk7a54d6c3ffr755q7qzk44', '120d0a090155000500010203041200'],
  ['bafybeiezymjvhwfuharanxmzxwuomzjjuzqjewjolr4phaiyp6l7qfwo64', '12140a0901550005000102030418ffffffffffffff0f'],
  ['bafybeichjs5otecmbvwh5azdr4jc45mp2qcofh2fr54wjdxhz4znahod2i', '120d0a090155000500010203041800'],
  ['bafybeia2qk4u55f2qj7zimmtpulejgz7urp7rzs44cvledcaj42gltkk3u', '0a03010203'],
  ['bafybeiahfgovhod2uvww72vwdgatl5r6qkoeegg7at2bghiokupfphqcku', '120b0a0901550005000102030412100a09015500050001020304120362617212100a090155000500010203041203666f6f'],
  ['bafybeidrg2f6slbv4yzydqtgmsi2vzojajnt7iufcreynfpxndca4z5twm', '120b0a09015500050001020304120e0a09015500050001020304120161120e0a09015500050001020304120161'],
  ['bafybeieube7zxmzoc5bgttub2aqofi6xdzimv5munkjseeqccn36a6v6j4', '120e0a09015500050001020304120161120e0a09015500050001020304120161'],
];

async function offline(t: TestContext) {
  const { storage, dir } = await startStorage(t, { offline: true });
  return { storage, blocks: new LocalBlocks(join(dir, 'blocks')) };
}

test('trees have the CIDs that Kubo gave them', async (t) => {
  const { storage } = await offline(t);
  for (const [cid, files] of Object.entries(TREES)) {
    const entries = Object.entries(files).map(([path, content]) => ({ path, source: new TextEncoder().encode(content) }));
    assert.equal((await storage.addTree(entries)).cid.toString(), cid);
  }
});

test('a symbolic link has the CID that Kubo gave it', () => {
  assert.equal(CID.createV0(cidOf(symlinkNode('foo')).multihash as Parameters<typeof CID.createV0>[0]).toString(), 'QmTB8BaCJdCH5H3k7GrxJsxgDNmNYGGR71C58ERkivXoj5');
});

test('a file inside a dag-pb block is read, by its CID', async (t) => {
  const { storage, blocks } = await offline(t);
  const content = new TextEncoder().encode('Hello from IPFS Gateway Checker\n');
  const block = dagPb.encode({ Data: Uint8Array.of(8, 2, 18, 32, ...content, 24, 32), Links: [] });
  const cid = cidOf(block, dagPb.code);
  assert.equal(cid.toString(), 'bafybeifx7yeb55armcsxwwitkymga5xf53dxiarykms3ygqic223w5sk3m');
  await blocks.put(cid, block);
  const chunks: Uint8Array[] = [];
  for await (const chunk of storage.cat(cid)) chunks.push(chunk);
  assert.deepEqual(Buffer.concat(chunks), Buffer.from(content));
});

test('well-known and inlined empties are what they are; nothing is asked for them', async (t) => {
  const { storage } = await offline(t);
  assert.deepEqual(await storage.ls(parseCid('bafyaabakaieac')), []);
  for await (const chunk of storage.cat(parseCid('bafkqaaa'))) assert.equal(chunk.length, 0);
  const inline = await storage.materialise(parseCid('bafkqaaa'));
  assert.equal(inline.receipt.blocks, 0);
  await inline.release();
});

test('nodes that are no UnixFS are typed errors', async (t) => {
  const { storage, blocks } = await offline(t);
  for (const [text, hex] of INVALID) {
    const cid = parseCid(text);
    const bytes = new Uint8Array(Buffer.from(hex, 'hex'));
    assert.equal(cidOf(bytes, dagPb.code).toString(), text);
    await blocks.put(cid, bytes);
    await assert.rejects(storage.materialise(cid), (error: { code?: string; name?: string }) => {
      // Some link to blocks nobody has: that is found first.
      assert.ok(error.name === 'StorageError' && ['DAG_INVALID', 'NOT_FOUND', 'ENTRY_UNSUPPORTED'].includes(error.code ?? ''), `${text}: ${String(error)}`);
      return true;
    }, text);
    await assert.rejects(async () => { for await (const _ of storage.cat(cid)) assert.fail('it has no content'); }, (error: { name?: string }) => error.name === 'StorageError', text);
    await assert.rejects(storage.ls(cid), (error: { name?: string }) => error.name === 'StorageError', text);
  }
});

test('an identity CID of 128 bytes is taken, one of 129 is refused wherever it stands', async (t) => {
  const { storage, blocks } = await offline(t);
  const of = (length: number) => CID.createV1(raw.code, identity.digest(new Uint8Array(length).fill(65)));
  const long = of(129);
  assert.match(long.toString(), /^bafkqbaibifaucqkb/);
  const held = await storage.materialise(of(128));
  await held.release();
  const refused = { code: 'BLOCK_TOO_LARGE' };
  await assert.rejects(storage.materialise(long), refused);
  await assert.rejects(async () => { for await (const _ of storage.cat(long)) assert.fail('it was read'); }, refused);
  const folder = dagPb.encode({ Data: Uint8Array.of(8, 1), Links: [{ Name: 'a', Hash: long, Tsize: 0 }] });
  const cid = cidOf(folder, dagPb.code);
  await blocks.put(cid, folder);
  await assert.rejects(storage.fetch(cid), refused);
  await assert.rejects(storage.ls(cid), refused);
  assert.ok((await storage.locality(cid)).share <= 1);
});
