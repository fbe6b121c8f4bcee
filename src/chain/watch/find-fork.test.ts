import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { Hex } from 'viem';
import { findFork } from './find-fork.ts';

const hashOf = (number: number, branch: string): Hex => `0x${branch}${number}`;

test('wherever the branch ended it is found, in few questions', async () => {
  await fc.assert(fc.asyncProperty(fc.integer({ min: 1, max: 64 }), fc.nat(64), fc.integer({ min: 1, max: 5 }), async (count, stayed, stride) => {
    const known = Array.from({ length: count }, (_, i) => ({ number: 10 + i * stride, hash: hashOf(10 + i * stride, 'a') }));
    const kept = Math.min(stayed, count - 1);
    let asked = 0;
    const place = await findFork(known, 1000, (number) => {
      asked++;
      return Promise.resolve(hashOf(number, number < 10 + kept * stride ? 'a' : 'b'));
    });
    assert.equal(place, kept - 1);
    assert.ok(asked <= 13, String(asked));
  }));
});

test('a block that the endpoint has not is a null round well below the head, and near it says nothing', async () => {
  const known = [1, 2, 3].map((number) => ({ number, hash: hashOf(number, 'a') }));
  const hashAt = (number: number) => Promise.resolve(number === 1 ? hashOf(1, 'a') : undefined);
  assert.equal(await findFork(known, 1000, hashAt), 0);
  assert.equal(await findFork(known, 3, hashAt), 'unknown');
});
