import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { keccak256, toHex, zeroHash } from 'viem';
import { auditBpsFor } from './audit-probability.ts';
import { isAudited, secretHashOf } from './audit.ts';
import { CHECK_BPS } from '../constants.ts';

test('the chance is what was said', () => {
  const rounds = 4000;
  const drawn = Array.from({ length: rounds }, (_, i) => isAudited(keccak256(toHex(i)), 2500, zeroHash, zeroHash)).filter(Boolean).length;
  // A quarter, with a standard deviation of 27; the secrets are fixed.
  assert.ok(Math.abs(drawn - 1000) < 4 * 27, String(drawn));
  assert.equal(isAudited(zeroHash, 0, zeroHash, zeroHash), false);
  assert.equal(isAudited(zeroHash, 10_000, zeroHash, zeroHash), true);
  assert.notEqual(secretHashOf(zeroHash, 0), secretHashOf(zeroHash, 1));
});

test('at the chance it gives, cheating loses at any price, stake and score, or no chance would do', () => {
  fc.assert(fc.property(fc.integer({ min: 1, max: 1e6 }), fc.integer({ min: 1, max: 100 }), fc.integer({ min: 0, max: 10_000 }), fc.double({ min: 0.5, max: 1, noNaN: true }), (price, ratio, score, detection) => {
    const stake = price * ratio;
    const p = auditBpsFor({ price: BigInt(price), stake: BigInt(stake), score, detection }) / 10_000;
    const gain = price - p * detection * (price + (stake * CHECK_BPS) / 10_000);
    if (p < 1) assert.ok(gain <= 1e-9 * price, `${gain}`);
  }));
});

test('dearer stakes and better scores need fewer audits; nobody is beyond them', () => {
  const bps = (stake: bigint, score: number) => auditBpsFor({ price: 1n, stake, score });
  assert.deepEqual([bps(5n, 0), bps(20n, 0), bps(100n, 0), bps(5n, 8000)], [6016, 1914, 413, 3610]);
  assert.equal(bps(10_000n, 10_000), 100);
  assert.equal(auditBpsFor({ price: 0n, stake: 5n, score: 0 }), 100);
  assert.equal(auditBpsFor({ price: 1n, stake: 0n, score: 0 }), 10_000);
});
