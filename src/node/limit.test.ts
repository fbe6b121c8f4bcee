import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createLimit } from './limit.ts';

test('at most so many at a time, all in the end, failures included', async () => {
  const limit = createLimit(3);
  let running = 0;
  const outcomes = await Promise.allSettled(Array.from({ length: 20 }, (_, i) => limit(async () => {
    assert.ok(++running <= 3);
    await new Promise(setImmediate);
    running--;
    if (i % 5 === 0) throw new Error('broken');
    return i;
  })));
  assert.equal(outcomes.filter(({ status }) => status === 'rejected').length, 4);
  assert.equal(await limit(async () => 'free again'), 'free again');
});
