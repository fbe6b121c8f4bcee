import assert from 'node:assert/strict';
import { test } from 'node:test';
import { pad, toHex, type Hex } from 'viem';
import { keyOf } from '../../protocol/index.ts';
import { Sortition } from './sortition.ts';

const COIN = 10n ** 18n;
const node = (n: number): Hex => pad(toHex(n + 1), { size: 20 });
const signal = new AbortController().signal;
const job = { replicas: 3, maxPrice: COIN };

test('everybody bids in a network of 16 nodes; of 1,000 and of 20,000 about 20, a draw\'s worth', async () => {
  for (const size of [1, 16]) assert.equal(await new Sortition(async () => Array.from({ length: size }, (_, i) => ({ node: node(i), amount: COIN }))).reach(job, signal), 0n);
  for (const size of [1000, 20_000]) {
    const reach = await new Sortition(async () => Array.from({ length: size }, (_, i) => ({ node: node(i), amount: 100n * COIN }))).reach(job, signal);
    const counts = Array.from({ length: size === 1000 ? 40 : 2 }, (_, seed) => Array.from({ length: size }, (_unused, i) => (
      keyOf(pad(toHex(seed)), { node: node(i), stake: 100n * COIN, score: 5000, locality: 0, price: COIN }, COIN) <= reach ? 1 as number : 0)).reduce((sum, one) => sum + one, 0));
    const mean = counts.reduce((sum, one) => sum + one, 0) / counts.length;
    // 3 * 4 + 8 expected, Poisson: 20 with a standard error below 3.2.
    assert.ok(Math.abs(mean - 20) < 10, `${size} nodes: ${mean} bids`);
    assert.ok(counts.every((count) => count >= job.replicas), counts.join());
  }
});

test('the chain is asked once for many jobs; a deposit on top of another is the same node', async () => {
  let asked = 0;
  const sortition = new Sortition(async () => { asked++; return Array.from({ length: 40 }, (_, i) => ({ node: node(i % 10), amount: COIN })); });
  assert.equal(await sortition.reach(job, signal), 0n);
  await sortition.reach(job, signal);
  assert.equal(asked, 1);
});
