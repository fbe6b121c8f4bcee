import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { concat, keccak256, numberToHex, zeroHash } from 'viem';
import { sketchProof, sketchRoot, sketchRootFrom } from './sketch-tree.ts';

const sketches = (count: number) => Array.from({ length: count }, (_, i) => numberToHex(i, { size: 200 }));

describe('tree of sketches', () => {
  test('of one shard it is the sketch\'s hash, without a proof', () => {
    const [sketch] = sketches(1);
    assert.equal(sketchRoot([sketch!]), keccak256(sketch!));
    assert.deepEqual(sketchProof([sketch!], 0), []);
  });

  test('of three it is padded with a zero leaf', () => {
    const [a, b, c] = sketches(3).map((sketch) => keccak256(sketch));
    const left = keccak256(concat(['0x01', a!, b!]));
    const right = keccak256(concat(['0x01', c!, zeroHash]));
    assert.equal(sketchRoot(sketches(3)), keccak256(concat(['0x01', left, right])));
  });

  test('every shard opens at its place and at no other, with its own sketch only', () => {
    fc.assert(fc.property(fc.integer({ min: 1, max: 70 }), fc.nat(), fc.nat(), (count, a, b) => {
      const all = sketches(count);
      const shard = a % count;
      const other = b % count;
      const root = sketchRoot(all);
      const proof = sketchProof(all, shard);
      assert.equal(proof.length, Math.ceil(Math.log2(count)));
      assert.equal(sketchRootFrom(all[shard]!, shard, proof), root);
      if (other === shard) return;
      assert.notEqual(sketchRootFrom(all[shard]!, other, proof), root);
      assert.notEqual(sketchRootFrom(all[other]!, shard, proof), root);
    }), { numRuns: 60 });
  });
});
