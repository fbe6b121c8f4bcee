import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SKETCH_THRESHOLD } from './constants.ts';
import { sketchThreshold, toleranceOf } from './tolerance.ts';

test('one for one shard, and one more for each doubling', () => {
  assert.deepEqual([1, 2, 3, 4, 5, 8, 9, 60, 64, 65, 10_000, 2 ** 32 - 1].map(toleranceOf), [1, 2, 3, 3, 4, 4, 5, 7, 7, 8, 15, 33]);
  for (let height = 1; height < 32; height++) assert.equal(toleranceOf(2 ** height), 1 + height);
  assert.equal(sketchThreshold(60), 7 * SKETCH_THRESHOLD);
});
