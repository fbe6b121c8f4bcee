import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { Piece } from '@web3-storage/data-segment';
import fc from 'fast-check';
import { CID } from 'multiformats/cid';
import { commP, isPieceCid } from './commp.ts';
import { fr32Pad, fr32Unpad } from './fr32.ts';
import { sha256Pairs } from './sha256-pairs.ts';

/** Commitments of zeros: bytes of data, size of the piece, piece CID (go-fil-commp-hashhash, testdata/zero.txt). */
const ZEROS: [number, number, string][] = [
  [96, 128, 'baga6ea4seaqdomn3tgwgrh3g532zopskstnbrd2n3sxfqbze7rxt7vqn7veigmy'],
  [127, 128, 'baga6ea4seaqdomn3tgwgrh3g532zopskstnbrd2n3sxfqbze7rxt7vqn7veigmy'],
  [192, 256, 'baga6ea4seaqgiktap34inmaex4wbs6cghlq5i2j2yd2bb2zndn5ep7ralzphkdy'],
  [254, 256, 'baga6ea4seaqgiktap34inmaex4wbs6cghlq5i2j2yd2bb2zndn5ep7ralzphkdy'],
  [255, 512, 'baga6ea4seaqfpirydiugkk7up5v666wkm6n6jlw6lby2wxht5mwaqekerdfykjq'],
  [508, 512, 'baga6ea4seaqfpirydiugkk7up5v666wkm6n6jlw6lby2wxht5mwaqekerdfykjq'],
  [509, 1024, 'baga6ea4seaqb66wjlfkrbye6uqoemcyxmqylwmrm235uclwfpsyx3ge2imidoly'],
  [1016, 1024, 'baga6ea4seaqb66wjlfkrbye6uqoemcyxmqylwmrm235uclwfpsyx3ge2imidoly'],
  [1017, 2048, 'baga6ea4seaqpy7usqklokfx2vxuynmupslkeutzexe2uqurdg5vhtebhxqmpqmy'],
];

test('commitments of zeros are the published ones', async () => {
  for (const [bytes, paddedBytes, cid] of ZEROS) {
    const piece = await commP([new Uint8Array(bytes)]);
    assert.deepEqual([piece.cid.toString(), piece.paddedBytes], [cid, paddedBytes], `${bytes} bytes`);
    assert.equal(isPieceCid(CID.parse(cid)), true);
  }
});

test('commitments agree with another implementation, however the content is cut', async () => {
  for (const size of [65, 126, 128, 1000, 127 * 1024, 127 * 1024 + 1, 127 * 1024 * 3, 1_000_003]) {
    const content = new Uint8Array(randomBytes(size));
    const cut = Array.from({ length: 4 }, (_, i) => content.subarray(Math.floor((size * i) / 4), Math.floor((size * (i + 1)) / 4)));
    const piece = await commP(cut);
    const expected = Piece.fromPayload(content);
    assert.deepEqual(Buffer.from(piece.cid.multihash.digest), Buffer.from(expected.root), `${size} bytes`);
    assert.equal(BigInt(piece.paddedBytes), expected.size, `${size} bytes`);
  }
});

test('what is too small for a piece is refused, and an abort ends the work', async () => {
  await assert.rejects(commP([new Uint8Array(64)]), { code: 'PIECE_INVALID' });
  await assert.rejects(commP([new Uint8Array(100)], { signal: AbortSignal.abort(new Error('enough')) }), /enough/);
});

test('fr32: there and back, the top bits of every 32 bytes are zero, and a unit is as the specification writes it', () => {
  fc.assert(fc.property(fc.uint8Array({ minLength: 127, maxLength: 127 }), fc.integer({ min: 1, max: 3 }), (unit, times) => {
    const data = new Uint8Array(127 * times);
    for (let i = 0; i < times; i++) data.set(unit, 127 * i);
    const padded = fr32Pad(data);
    for (let i = 31; i < padded.length; i += 32) assert.equal(padded[i]! & 0xc0, 0);
    assert.deepEqual(fr32Unpad(padded), data);
    // Straight from the definition: bit i of the data is bit i + 2 * floor(i / 254) of the padded unit.
    for (let i = 0; i < 127 * 8; i += 7) {
      const at = i + 2 * Math.floor(i / 254);
      assert.equal((padded[at >> 3]! >> (at & 7)) & 1, (unit[i >> 3]! >> (i & 7)) & 1);
    }
  }), { numRuns: 50 });
});

test('the hash of a pair is SHA-256 but for two bits', () => {
  for (let i = 0; i < 100; i++) {
    const nodes = new Uint8Array(randomBytes(128));
    const expected = [nodes.subarray(0, 64), nodes.subarray(64)].map((pair) => createHash('sha256').update(pair).digest());
    sha256Pairs(nodes);
    for (const [k, digest] of expected.entries()) {
      digest[31]! &= 0x3f;
      assert.deepEqual(Buffer.from(nodes.subarray(32 * k, 32 * k + 32)), digest);
    }
  }
});
