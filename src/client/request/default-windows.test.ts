import assert from 'node:assert/strict';
import { test } from 'node:test';
import { chainProfile } from '../../chain/index.ts';
import { DEFAULT_BID_BLOCKS, DEFAULT_WINDOWS } from '../constants.ts';
import { defaultWindows, windowForReach } from './default-windows.ts';

test('windows are the usual ones on usual chains and grow with the block time', () => {
  assert.deepEqual([1, 8453, 31_337].map(defaultWindows), [DEFAULT_WINDOWS, DEFAULT_WINDOWS, DEFAULT_WINDOWS]);
  assert.deepEqual(defaultWindows(314), { assign: 570, commitMargin: 1500, settle: 9000, dispute: 9000 });
});

test('no default is below what a new scheduler on the chain allows, and bids are taken until after the seed', () => {
  for (const id of [1, 314, 314_159, 31_337]) {
    const { minWindowSeconds, seedDelay, blockTimeMs } = chainProfile(id);
    const windows = defaultWindows(id);
    assert.ok(Object.values(windows).every((seconds) => seconds >= minWindowSeconds), String(id));
    assert.ok(windows.assign * 1000 > seedDelay * blockTimeMs, String(id));
  }
});

test('with a reach each of its eighths has the blocks to post a bid in', () => {
  for (const id of [1, 314, 31_337]) assert.ok(windowForReach(id) / 8 * 1000 >= DEFAULT_BID_BLOCKS * chainProfile(id).blockTimeMs, String(id));
  assert.equal(windowForReach(1), 300);
});
