import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { keccak256, toHex, type Address, type Hex } from 'viem';
import { drawReplicas, exponential, weightOf, type Candidate } from './draw.ts';

interface Vectors {
  exponential: { seed: Hex[]; node: Address[]; value: string[] };
  weight: { stake: string[]; score: number[]; locality: number[]; price: string[]; maxPrice: string[]; weight: string[] };
  races: { seed: Hex; maxPrice: string; k: number; node: Address[]; price: string[]; locality: number[]; stake: string[]; score: number[]; winners: number[] }[];
}
const vectors = JSON.parse(readFileSync(join(import.meta.dirname, '../../../test/conformance/vectors/draw.json'), 'utf8')) as Vectors;
const NODES = Array.from({ length: 8 }, (_, i): Address => `0x${keccak256(toHex(i)).slice(26)}`);
const PRICE = 10n ** 18n;
const bidder = (node: Address, part: Partial<Candidate> = {}): Candidate => ({ node, price: PRICE, locality: 0, stake: 10n * PRICE, score: 5000, ...part });
const seeds = (count: number): Hex[] => Array.from({ length: count }, (_, i) => keccak256(toHex(`seed ${i}`)));

describe('the draw', () => {
  it('reproduces the vectors that the contract reproduces', () => {
    const { exponential: e, weight: w, races } = vectors;
    e.value.forEach((expected, i) => assert.equal(exponential(e.seed[i]!, e.node[i]!), BigInt(expected)));
    w.weight.forEach((expected, i) => {
      const candidate = { node: NODES[0]!, stake: BigInt(w.stake[i]!), score: w.score[i]!, locality: w.locality[i]!, price: BigInt(w.price[i]!) };
      assert.equal(weightOf(candidate, BigInt(w.maxPrice[i]!)), BigInt(expected));
    });
    for (const race of races) {
      const candidates = race.node.map((node, i) => ({
        node, price: BigInt(race.price[i]!), locality: race.locality[i]!, stake: BigInt(race.stake[i]!), score: race.score[i]!,
      }));
      assert.deepEqual(drawReplicas(race.seed, candidates, BigInt(race.maxPrice), race.k), race.winners);
    }
  });

  it('has a logarithm right to 24 bits', () => {
    for (const seed of seeds(50)) {
      const u = BigInt(keccak256(`0x${seed.slice(2)}${NODES[0]!.slice(2).padStart(64, '0')}`));
      const exact = 256 - (Math.log2(Number(u >> 200n)) + 200);
      assert.ok(Math.abs(Number(exponential(seed, NODES[0]!)) / 2 ** 24 - exact) < 2 ** -20);
    }
  });

  it('draws in proportion to weight', () => {
    const candidates = [bidder(NODES[0]!, { stake: 30n * PRICE }), bidder(NODES[1]!), bidder(NODES[2]!)];
    const rounds = 4000;
    const first = seeds(rounds).filter((seed) => drawReplicas(seed, candidates, PRICE, 1)[0] === 0).length;
    // 3/5 of 4,000 is 2,400 with a standard deviation of 31; the seeds are fixed, so this cannot flake.
    assert.ok(Math.abs(first - 0.6 * rounds) < 4 * 31, `${first} of ${rounds}`);
  });

  it('gains nothing by splitting a stake in two', () => {
    const whole = [bidder(NODES[0]!, { stake: 20n * PRICE }), bidder(NODES[2]!, { stake: 20n * PRICE })];
    const split = [bidder(NODES[0]!), bidder(NODES[1]!), bidder(NODES[2]!, { stake: 20n * PRICE })];
    const rounds = 4000;
    const wins = (candidates: Candidate[], mine: number[]): number => seeds(rounds).filter((seed) => mine.includes(drawReplicas(seed, candidates, PRICE, 1)[0]!)).length;
    assert.ok(Math.abs(wins(whole, [0]) - wins(split, [0, 1])) < 4 * 45);
  });

  it('moves nobody else when a bid is left out', () => {
    const candidates = NODES.map((node) => bidder(node));
    for (const seed of seeds(20)) {
      const order = drawReplicas(seed, candidates, PRICE, 8);
      const without = drawReplicas(seed, candidates.filter((_, i) => i !== order[3]), PRICE, 7).map((i) => (i >= order[3]! ? i + 1 : i));
      assert.deepEqual(without, order.filter((_, place) => place !== 3));
    }
  });

  it('weighs data and price, the price up to a factor of four', () => {
    const plain = weightOf(bidder(NODES[0]!), PRICE) - 1n;
    assert.equal(weightOf(bidder(NODES[0]!, { locality: 10_000 }), PRICE) - 1n, 4n * plain);
    assert.equal(weightOf(bidder(NODES[0]!, { price: PRICE / 2n }), PRICE) - 1n, 2n * plain);
    assert.equal(weightOf(bidder(NODES[0]!, { price: PRICE / 100n }), PRICE) - 1n, 4n * plain);
    assert.equal(weightOf(bidder(NODES[0]!, { price: 0n }), PRICE) - 1n, 4n * plain);
    assert.equal(weightOf(bidder(NODES[0]!, { stake: 0n }), PRICE), 1n);
  });
});
