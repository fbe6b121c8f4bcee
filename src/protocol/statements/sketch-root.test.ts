import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { bytesToHex, keccak256, type Hex } from 'viem';
import { sketchProofLength, sketchProofOf, sketchRootFrom, sketchRootOf } from './sketch-root.ts';

const sketches = fc.array(fc.uint8Array({ minLength: 1, maxLength: 20 }).map((bytes) => bytesToHex(bytes)), { minLength: 1, maxLength: 20 });

test('every sketch leads to the root by its proof, and by no other place', () => {
  fc.assert(fc.property(sketches, fc.nat(), (all, n) => {
    const shard = n % all.length;
    const proof = sketchProofOf(all, shard);
    assert.equal(proof.length, sketchProofLength(all.length));
    assert.equal(sketchRootFrom(all[shard]!, proof, shard), sketchRootOf(all));
    const other = (shard + 1) % all.length;
    if (all[other] !== all[shard]) assert.notEqual(sketchRootFrom(all[other]!, proof, shard), sketchRootOf(all));
  }));
});

test('the root of one sketch is its hash', () => {
  const one: Hex = '0x0203';
  assert.equal(sketchRootOf([one]), keccak256(one));
  assert.deepEqual(sketchProofOf([one], 0), []);
});

test('what is not there is a RangeError', () => {
  assert.throws(() => sketchRootOf([]), RangeError);
  assert.throws(() => sketchProofOf(['0x01'], 1), RangeError);
  assert.throws(() => sketchProofOf(['0x01'], -1), RangeError);
});
