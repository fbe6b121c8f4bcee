import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import { decay, scoreBps } from './reputation.ts';

interface Vectors {
  score: { good: number[]; bad: number[]; score: number[] };
  decay: { good: number[]; bad: number[]; day: number[]; today: number[]; goodAfter: number[]; badAfter: number[] };
}
const vectors = JSON.parse(readFileSync(join(import.meta.dirname, '../../../test/conformance/vectors/reputation.json'), 'utf8')) as Vectors;
const count = fc.integer({ min: 0, max: 65_535 });

describe('scoreBps', () => {
  it('reproduces the vectors that the contract reproduces', () => {
    const { good, bad, score } = vectors.score;
    score.forEach((expected, i) => assert.equal(scoreBps({ good: good[i]!, bad: bad[i]! }), expected));
  });

  it('is the published lower bound: a newcomer 2.5 %, 0.65, 0.79, 0.88 after 5, 10, 20 successes', () => {
    assert.equal(scoreBps({ good: 0, bad: 0 }), 251);
    for (const [successes, expected] of [[5, 65], [10, 79], [20, 88], [50, 95]] as const) {
      assert.equal(Math.round(scoreBps({ good: successes * 256, bad: 0 }) / 100), expected);
    }
  });

  it('stays within 0 and 10,000', () => fc.assert(fc.property(count, count, (good, bad) => {
    const score = scoreBps({ good, bad });
    return Number.isInteger(score) && score >= 0 && score <= 10_000;
  })));

  it('rises with a success and falls with a failure', () => fc.assert(fc.property(count, count, (good, bad) => {
    const score = scoreBps({ good, bad });
    assert.ok(scoreBps({ good: good + 256, bad }) >= score);
    assert.ok(scoreBps({ good, bad: bad + 1024 }) <= score);
  })));
});

describe('decay', () => {
  it('reproduces the vectors that the contract reproduces', () => {
    const { good, bad, day, today, goodAfter, badAfter } = vectors.decay;
    goodAfter.forEach((expected, i) => {
      const after = decay({ good: good[i]!, bad: bad[i]!, day: day[i]! }, today[i]!);
      assert.deepEqual([after.good, after.bad], [expected, badAfter[i]]);
    });
  });

  it('does nothing on the same day or before, and forgets everything in 255 days', () => {
    assert.deepEqual(decay({ good: 77, bad: 9, day: 100 }, 100), { good: 77, bad: 9, day: 100 });
    assert.deepEqual(decay({ good: 77, bad: 9, day: 100 }, 99), { good: 77, bad: 9, day: 100 });
    assert.deepEqual(decay({ good: 65_535, bad: 65_535, day: 100 }, 355), { good: 0, bad: 0, day: 355 });
  });

  it('follows 31/32 a day within 1 % of the start', () => fc.assert(fc.property(count, fc.integer({ min: 0, max: 254 }), (good, days) => {
    const { good: left } = decay({ good, bad: 0, day: 0 }, days);
    assert.ok(Math.abs(left - good * (31 / 32) ** days) <= 0.01 * good + 32);
  })));
});
