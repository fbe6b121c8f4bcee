import assert from 'node:assert/strict';
import { test } from 'node:test';
import { keccak256, maxUint256, toHex, type Address } from 'viem';
import { drawReplicas, keyOf, weightOf, type Candidate } from './draw.ts';
import { reachAfter, reachedAfter, reachFor } from './reach.ts';

const PRICE = 10n ** 18n;
const nodes = Array.from({ length: 500 }, (_, i): Candidate => ({
  node: `0x${keccak256(toHex(i)).slice(26)}` as Address, price: PRICE, locality: 0, stake: BigInt(1 + (i % 7)) * PRICE, score: 5000,
}));
const total = nodes.reduce((sum, node) => sum + weightOf(node, PRICE), 0n);

test('as many bids come within reach as were asked for, whatever the network\'s size', () => {
  for (const count of [50, 500]) {
    const network = nodes.slice(0, count);
    const weight = network.reduce((sum, node) => sum + weightOf(node, PRICE), 0n);
    const reach = reachFor(weight, 9);
    const rounds = 200;
    const within = Array.from({ length: rounds }, (_, i) => network.filter((node) => keyOf(keccak256(toHex(`seed ${i}`)), node, PRICE) <= reach).length);
    const mean = within.reduce((sum, n) => sum + n, 0) / rounds;
    // A little below nine where few nodes have large parts; the standard deviation of the mean is 3 / sqrt(200), and the seeds are fixed.
    const expected = network.reduce((sum, node) => sum + 1 - Math.exp((-9 * Number(weightOf(node, PRICE))) / Number(weight)), 0);
    assert.ok(expected > 7.5 && Math.abs(mean - expected) < 4 * (3 / Math.sqrt(rounds)), `${count}: ${mean}, ${expected}`);
  }
});

test('who wins is not changed by a reach that lets enough bids count', () => {
  const reach = reachFor(total, 12);
  for (let i = 0; i < 20; i++) {
    const seed = keccak256(toHex(`draw ${i}`));
    const winners = drawReplicas(seed, nodes, PRICE, 3, reach);
    if (winners.length === 3) assert.deepEqual(winners, drawReplicas(seed, nodes, PRICE, 3));
  }
});

test('it widens fourfold in eighths of the window, and ends in the last two', () => {
  const terms = { reach: 5n, assignWindow: 80 };
  assert.deepEqual([0, 9, 10, 25, 59].map((elapsed) => reachAfter(terms, elapsed)), [5n, 5n, 20n, 80n, 5120n]);
  assert.equal(reachAfter(terms, 60), maxUint256);
  assert.equal(reachAfter({ ...terms, reach: 0n }, 0), maxUint256);
  assert.equal(reachAfter({ ...terms, reach: 1n << 250n }, 40), maxUint256);
  assert.equal(reachFor(0n, 3), 0n);
});

test('a key is taken in by the first second of its step', () => {
  for (const assignWindow of [60, 80, 601]) {
    const terms = { reach: 5n, assignWindow };
    for (const key of [1n, 5n, 6n, 20n, 21n, 5000n, 10n ** 30n]) {
      const elapsed = reachedAfter(terms, key);
      assert.ok(key <= reachAfter(terms, elapsed));
      if (elapsed > 0) assert.ok(key > reachAfter(terms, elapsed - 1), `${key} of ${assignWindow}`);
    }
  }
});
