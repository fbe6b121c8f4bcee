import assert from 'node:assert/strict';
import { test } from 'node:test';
import { pad, toHex, type Hex } from 'viem';
import type { JobEvent } from './job-state.ts';
import { postedBids } from './posted-bids.ts';
import { NO_CLAIM } from '../statements/statements.ts';

const node = (n: number): Hex => pad(toHex(n), { size: 20 });
const at = { jobId: '0x01', at: 0, blockHash: '0x02', logIndex: 0 } as const;
const submitted = { ...at, type: 'Submitted', request: { replicas: 2 }, seedBlock: 1n } as unknown as JobEvent;
const posted = (n: number, key: bigint, price = 1n, round = 0): JobEvent => ({
  ...at, type: 'BidPosted', round, key, bid: { node: node(n), price, locality: 0, possession: NO_CLAIM.possession, signature: '0x' },
});

test('as many as there are seats, the smallest keys, of each node the last one', () => {
  const events = [submitted, posted(1, 30n), posted(2, 20n), posted(3, 10n), posted(2, 40n, 2n)];
  assert.deepEqual(postedBids(events, 0).map((bid) => bid.node), [node(3), node(1)]);
  assert.deepEqual(postedBids([submitted, posted(2, 20n), posted(2, 15n, 2n)], 0).map(({ price }) => price), [2n]);
});

test('newcomers of a widened job: one more than there were seats, of their own round', () => {
  const events = [submitted, posted(9, 1n), ...[4, 5, 6, 7].map((n) => posted(n, BigInt(n), 1n, 1))];
  assert.deepEqual(postedBids(events, 1).map((bid) => [bid.node, bid.round]), [4, 5, 6].map((n) => [node(n), 1]));
  assert.deepEqual(postedBids([], 0), []);
});
