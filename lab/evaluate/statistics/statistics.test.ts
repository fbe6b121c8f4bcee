import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import { clusterBootstrap } from './cluster-bootstrap.ts';
import { quantile } from './quantile.ts';
import { rateOf, upperBound } from './rate.ts';
import { rocOf } from './roc.ts';
import { thresholdAt } from './threshold-at.ts';
import { wilson } from './wilson.ts';

const alike = (clusters: number, hits: number, trials = 100) => Array.from({ length: clusters }, () => ({ hits, trials }));
const near = (actual: number, expected: number, within = 5e-4) => assert.ok(Math.abs(actual - expected) <= within, `${actual} is not ${expected}`);

describe('wilson', () => {
  it('gives the published intervals', () => {
    // Newcombe, Statistics in Medicine 17 (1998), table I, method 3.
    for (const [hits, trials, low, high] of [[81, 263, 0.2553, 0.3662], [15, 148, 0.0624, 0.1605], [0, 20, 0, 0.1611], [1, 29, 0.0061, 0.1718]] as const) {
      near(wilson(hits, trials)[0], low);
      near(wilson(hits, trials)[1], high);
    }
    assert.deepEqual(wilson(0, 0), [0, 1]);
  });
});

describe('clusterBootstrap', () => {
  it('is wide when clusters differ and narrow when they agree', () => {
    const [low, high] = clusterBootstrap([...alike(10, 100), ...alike(10, 0)]);
    assert.ok(low < 0.32 && low > 0.2 && high > 0.68 && high < 0.8, `${low} ${high}`);
    assert.deepEqual(clusterBootstrap(alike(10, 50)), [0.5, 0.5]);
    assert.deepEqual(clusterBootstrap([]), [0, 1]);
  });
});

describe('rateOf and upperBound', () => {
  it('never look surer than Wilson over pairs', () => {
    const clusters = alike(10, 0);
    assert.deepEqual(rateOf(clusters).ci, [0, wilson(0, 1000)[1]]);
    near(upperBound(clusters), 0.0027);
    assert.ok(upperBound([{ hits: 50, trials: 100 }, { hits: 0, trials: 900 }]) > 0.2);
  });
});

describe('thresholdAt', () => {
  it('lets at most the stated share of honest distances beyond it', () => fc.assert(fc.property(
    fc.array(fc.double({ min: 0, max: 10, noNaN: true }), { minLength: 1, maxLength: 300 }), fc.constantFrom(0, 0.001, 0.01, 0.1, 0.5), (values, rate) => {
      const sorted = Float64Array.from(values).sort();
      const threshold = thresholdAt(sorted, rate);
      const beyond = (limit: number) => sorted.filter((value) => value > limit).length;
      assert.ok(beyond(threshold) <= rate * values.length);
      const lower = sorted.findLast((value) => value < threshold);
      if (lower !== undefined) assert.ok(beyond(lower) > Math.floor(rate * values.length));
    })));
});

describe('rocOf', () => {
  const roc = (honest: number[], cheats: number[]) => rocOf(Float64Array.from(honest), Float64Array.from(cheats));
  it('knows perfect, useless and inverted distances', () => {
    assert.deepEqual([roc([1, 2, 3], [4, 5, Infinity]).auc, roc([1, 2, 3], [4, 5, 6]).eer], [1, 0]);
    assert.deepEqual([roc([1, 1], [1, 1]).auc, roc([1, 1], [1, 1]).eer], [0.5, 0.5]);
    assert.deepEqual([roc([4, 5], [1, 2]).auc, roc([4, 5], [1, 2]).eer], [0, 1]);
  });
  it('gives the example with one inversion', () => {
    const { auc, eer, points } = roc([1, 2, 4, 5], [3, 6, 7, 8]);
    assert.equal(auc, 14 / 16);
    assert.equal(eer, 0.25);
    assert.deepEqual([points[0], points.at(-1)], [[0, 0], [1, 1]]);
  });
  it('has the area that counting pairs gives', () => fc.assert(fc.property(
    fc.array(fc.integer({ min: 0, max: 9 }), { minLength: 1, maxLength: 30 }), fc.array(fc.integer({ min: 0, max: 9 }), { minLength: 1, maxLength: 30 }), (honest, cheats) => {
      const wins = honest.flatMap((a) => cheats.map((b) => (b > a ? 1 : b === a ? 0.5 : 0))).reduce((sum: number, win) => sum + win, 0);
      near(roc(honest, cheats).auc, wins / (honest.length * cheats.length), 1e-9);
    })));
});

describe('quantile', () => {
  it('is by nearest rank', () => {
    assert.deepEqual([quantile([1, 2, 3, 4], 0.5), quantile([1, 2, 3, 4], 0.99), quantile([1, 2, 3, 4], 0)], [2, 4, 1]);
    assert.ok(Number.isNaN(quantile([], 0.5)));
  });
});
