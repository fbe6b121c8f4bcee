import assert from 'node:assert/strict';
import { test } from 'node:test';
import { stepAfter } from './schedule.ts';

test('samples begin close together and end an interval apart', () => {
  assert.deepEqual([0, 7, 8, 16, 24, 31, 32, 1e6].map((n) => stepAfter(n, 20)), [1.25, 1.25, 2.5, 5, 10, 10, 20, 20]);
  assert.deepEqual([0, 8, 32].map((n) => stepAfter(n, 2)), [1, 1, 2], 'never closer than a sampler can');
  assert.equal(stepAfter(0, 1), 1);
});
