import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { CID } from 'multiformats/cid';
import { create as createDigest } from 'multiformats/hashes/digest';
import { isError } from '../../protocol/base/errors.ts';
import { ByteQueue } from '../stream/byte-queue.ts';
import { blockKey } from '../unixfs/links.ts';
import { decodePrefix, decodeWantlist, encodeAnswer, encodeWants, type WantEntry } from './messages.ts';
import { readMessages, type MessageSink } from './read-messages.ts';

const { signal } = new AbortController();

const bytes = (maxLength: number, minLength = 0) => fc.uint8Array({ minLength, maxLength });
const cids = fc.record({ version: fc.constantFrom(0, 1), code: fc.constantFrom(0x55, 0x70, 0x0129), digest: bytes(32, 32) }).map(({ version, code, digest }) => (
  version === 0 ? CID.createV0(createDigest(0x12, digest)) : CID.createV1(code, createDigest(0x12, digest))));
const wants: fc.Arbitrary<WantEntry> = fc.record({ cid: cids, cancel: fc.boolean(), have: fc.boolean(), sendDontHave: fc.boolean() });
const blocks = fc.record({ cid: cids, bytes: bytes(40_000) });
const presences = fc.record({ cid: cids, has: fc.boolean() });

/** Bytes in pieces of any length. */
function queueOf(all: Uint8Array, cuts: readonly number[]): ByteQueue {
  const at = [...new Set(cuts.map((cut) => cut % (all.length + 1)))].toSorted((a, b) => a - b);
  async function* pieces() { for (const [i, start] of [0, ...at].entries()) yield all.subarray(start, at[i] ?? all.length); }
  return new ByteQueue(pieces(), { signal, stallMs: Infinity });
}

function listener(useful = true) {
  const said = { wants: [] as WantEntry[], presences: [] as { cid: CID; has: boolean }[], blocks: [] as { code: number; bytes: Uint8Array }[], passed: 0 };
  const sink: MessageSink = {
    wants: (entries) => { said.wants.push(...entries); }, presence: (cid, has) => { said.presences.push({ cid, has }); },
    coming: async () => (useful ? () => {} : undefined), block: (code, block) => { said.blocks.push({ code, bytes: block }); }, passed: (count) => { said.passed += count; },
  };
  return { said, sink };
}

test('what is written is read, however it is cut into pieces; blocks that nobody wants are passed over', async () => {
  await fc.assert(fc.asyncProperty(fc.array(wants, { maxLength: 20 }), fc.array(blocks, { maxLength: 5 }), fc.array(presences, { maxLength: 20 }), fc.array(fc.nat(), { maxLength: 20 }), fc.boolean(), async (list, sent, answers, cuts, useful) => {
    const all = Buffer.concat([encodeWants(list), ...encodeAnswer({ blocks: sent, presences: answers }), encodeWants(list)]);
    const { said, sink } = listener(useful);
    await readMessages(queueOf(all, cuts), sink, assert.fail);
    const plain = ({ cid, ...rest }: { cid: CID }) => ({ ...rest, cid: String(cid) });
    assert.deepEqual(said.wants.map(plain), [...list, ...list].map(plain));
    assert.deepEqual(said.presences.map(plain), answers.map(plain));
    assert.deepEqual(said.blocks.map((block) => Buffer.from(block.bytes).toString('hex')), useful ? sent.map((block) => Buffer.from(block.bytes).toString('hex')) : []);
    assert.ok(said.blocks.every(({ code }) => code === 0x12));
    assert.equal(said.passed > 0, !useful && sent.length > 0);
  }), { numRuns: 100 });
});

test('whatever comes is read or refused with a typed error, and nothing of it hangs', async () => {
  const valid = fc.tuple(fc.array(wants, { maxLength: 5 }), fc.array(blocks, { maxLength: 2 }), fc.array(presences, { maxLength: 5 }))
    .map(([list, sent, answers]) => Buffer.concat([encodeWants(list), ...encodeAnswer({ blocks: sent, presences: answers })]));
  const spoilt = fc.tuple(valid, fc.array(fc.tuple(fc.nat(), fc.nat(255)), { maxLength: 8 }), fc.nat()).map(([message, changes, end]) => {
    const changed = Uint8Array.from(message);
    for (const [at, value] of changes) if (changed.length > 0) changed[at % changed.length] = value;
    return changed.subarray(0, end % (changed.length + 1));
  });
  await fc.assert(fc.asyncProperty(fc.oneof(bytes(300), spoilt), fc.array(fc.nat(), { maxLength: 10 }), async (message, cuts) => {
    try {
      await readMessages(queueOf(message, cuts), listener().sink, assert.fail);
    } catch (error) {
      assert.ok(isError(error, 'PROTOCOL_BROKEN', 'BLOCK_TOO_LARGE', 'STREAM_CUT'), String(error));
    }
  }), { numRuns: 500 });
});

test('a wantlist, byte by byte as others write it; a prefix is the head of a CID', async () => {
  const cid = CID.createV1(0x55, createDigest(0x12, new Uint8Array(32).fill(7)));
  const hash = Buffer.from(cid.bytes).toString('hex');
  // Message { wantlist = 1 { entries = 1 { block = 1, priority = 2, cancel = 3, wantType = 4, sendDontHave = 5 } } }
  assert.equal(Buffer.from(encodeWants([{ cid, cancel: false, have: false, sendDontHave: true }])).toString('hex'), `2e0a2c0a2a0a24${hash}10012801`);
  assert.equal(Buffer.from(encodeWants([{ cid, cancel: true, have: true, sendDontHave: false }])).toString('hex'), `300a2e0a2c0a24${hash}100118012001`);
  // Message { payload = 3 { prefix = 1, data = 2 }, blockPresences = 4 { cid = 1, type = 2 } }
  const answer = encodeAnswer({ blocks: [{ cid, bytes: Uint8Array.of(1, 2, 3) }], presences: [{ cid, has: false }, { cid, has: true }] });
  assert.equal(Buffer.concat(answer).toString('hex'), `5f1a0b0a0401551220120301020322280a24${hash}100122260a24${hash}`);
  const message = encodeWants([{ cid, cancel: false, have: false, sendDontHave: true }]);
  const [entry] = decodeWantlist(message.subarray(3)).entries;
  assert.equal(String(entry!.cid), String(cid));
  assert.notEqual(entry!.cid.bytes.buffer, message.buffer, 'a want does not keep the message that it came in');
  assert.equal(decodePrefix(Uint8Array.of(1, 0x55, 0x12, 0x20)), 0x12);
  assert.equal(blockKey(cid), blockKey(CID.createV0(cid.multihash as ReturnType<typeof createDigest<0x12>>)));
});
