import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { bytesToHex, hexToBytes, zeroHash, type Address, type Hex } from 'viem';
import { countedLocality, possessionChunks, possessionOf, possessionPicks, possessionProofs, possessionRoot } from './possession.ts';

const sha = (...parts: Uint8Array[]): Buffer => { const hash = createHash('sha256'); for (const part of parts) hash.update(part); return hash.digest(); };
const inner = (left: Uint8Array, right: Uint8Array): Buffer => sha(Uint8Array.of(1), left, right);

/** The tree as it is defined, all of it in memory. */
function plainRoot(data: Uint8Array): Hex {
  let level: Uint8Array[] = [];
  for (let from = 0; from < data.length; from += 2048) level.push(sha(Uint8Array.of(0), data.subarray(from, from + 2048)));
  const padded = 2 ** Math.ceil(Math.log2(level.length));
  level = [...level, ...Array.from({ length: padded - level.length }, () => new Uint8Array(32))];
  while (level.length > 1) level = Array.from({ length: level.length / 2 }, (_, i) => inner(level[2 * i]!, level[2 * i + 1]!));
  return bytesToHex(level[0]!);
}

/** The root that a chunk and its proof lead to. */
function rootFrom(chunk: Uint8Array, index: number, proof: readonly Hex[]): Hex {
  return bytesToHex(proof.reduce<Uint8Array>((hash, other, height) => (Math.floor(index / 2 ** height) % 2 === 0 ? inner(hash, hexToBytes(other)) : inner(hexToBytes(other), hash)), sha(Uint8Array.of(0), chunk)));
}

const data = (bytes: number): Uint8Array => Uint8Array.from({ length: bytes }, (_, i) => (i * 31 + (i >> 8)) % 251);
/** A stream that comes in pieces of other sizes than chunks have. */
function* pieces(bytes: Uint8Array, size: number): Generator<Uint8Array> {
  for (let from = 0; from < bytes.length; from += size) yield bytes.subarray(from, from + size);
}

describe('the possession tree', () => {
  it('is the one that is defined, however the stream is cut', () => fc.assert(fc.asyncProperty(fc.integer({ min: 1, max: 40_000 }), fc.integer({ min: 1, max: 5000 }), async (bytes, size) => {
    assert.deepEqual(await possessionRoot(pieces(data(bytes), size)), { dataRoot: plainRoot(data(bytes)), dataBytes: BigInt(bytes) });
  }), { numRuns: 60 }));

  it('has a proof for every chunk', async () => {
    for (const bytes of [1, 2047, 2048, 2049, 4096, 10_000, 16_384, 16_385, 33_000]) {
      const count = possessionChunks(BigInt(bytes));
      const indices = [...Array.from({ length: count }, (_, i) => i), 0];
      const { dataRoot, chunks, proofs } = await possessionProofs(pieces(data(bytes), 3000), indices);
      assert.equal(dataRoot, plainRoot(data(bytes)));
      indices.forEach((index, i) => assert.equal(rootFrom(chunks[i]!, index, proofs[i]!), dataRoot, `${bytes} bytes, chunk ${index}`));
    }
    await assert.rejects(possessionProofs([data(100)], [1]), RangeError);
  });

  it('of nothing is zero', async () => {
    assert.deepEqual(await possessionRoot([]), { dataRoot: zeroHash, dataBytes: 0n });
    assert.throws(() => possessionPicks(zeroHash, 0n), RangeError);
  });

  it('ends when it is told to', async () => {
    await assert.rejects(possessionRoot(pieces(data(10_000), 100), { signal: AbortSignal.abort(new Error('enough')) }), /enough/);
  });
});

describe('a claim', () => {
  it('is equal for all holders but for the node, and another for another seed', async () => {
    const picked = async (seed: Hex) => (await possessionProofs([data(100_000)], possessionPicks(seed, 100_000n))).chunks;
    const [a, b]: Address[] = [`0x${'aa'.repeat(20)}`, `0x${'bb'.repeat(20)}`];
    const seeds: Hex[] = [`0x${'01'.repeat(32)}`, `0x${'02'.repeat(32)}`];
    const claims = await Promise.all(seeds.flatMap((seed) => [a, a, b].map(async (node) => possessionOf(await picked(seed), node!))));
    assert.equal(claims[0], claims[1]);
    assert.equal(new Set(claims).size, 4);
    assert.ok(claims.every((claim) => /^0x[0-9a-f]{32}$/.test(claim)));
  });

  it('is as the contract computes it', () => {
    const cases = JSON.parse(readFileSync(join(import.meta.dirname, '../../../test/conformance/vectors/possession.json'), 'utf8')) as { dataBytes: number; seed: Hex; node: Address; picks: number[]; chunks: Hex[]; possession: Hex }[];
    for (const { dataBytes, seed, node, picks, chunks, possession } of cases) {
      assert.deepEqual(possessionPicks(seed, BigInt(dataBytes)), picks);
      assert.equal(possessionOf(chunks.map((chunk) => hexToBytes(chunk)), node), possession);
    }
  });

  it('makes locality count, where something can be claimed', () => {
    const possession: Hex = `0x${'01'.repeat(16)}`;
    const dataRoot: Hex = `0x${'02'.repeat(32)}`;
    assert.equal(countedLocality({ dataRoot }, { locality: 5000, possession }), 5000);
    assert.equal(countedLocality({ dataRoot: zeroHash }, { locality: 5000, possession }), 0);
    assert.equal(countedLocality({ dataRoot }, { locality: 5000, possession: `0x${'00'.repeat(16)}` }), 0);
  });
});
