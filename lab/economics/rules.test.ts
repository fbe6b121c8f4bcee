import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import { rate, scoreOf, settle, TERMS, type Fault, type Seat, type Verdict } from './rules.ts';

const seat = (verdict: Verdict, contested = false): Seat => ({ verdict, contested });
const anySeat = fc.record({ verdict: fc.constantFrom<Verdict>('agreed', 'deviated', 'absent', 'undecided'), contested: fc.boolean() });

describe('settle', () => {
  it('moves coin and makes none', () => fc.assert(fc.property(fc.array(anySeat, { minLength: 1, maxLength: 15 }), fc.constantFrom<Fault>('none', 'silent', 'lost'), (seats, fault) => {
    const wronged = seats.map(({ verdict }) => fault === 'lost' && verdict === 'agreed');
    const { seats: changes, client, burnt } = settle(seats, fault, wronged);
    assert.ok(Math.abs(changes.reduce((sum, { coin }) => sum + coin, client.coin + burnt)) < 1e-9);
    assert.ok(burnt >= 0);
  })));

  it('moves coin and makes none in a widened job either', () => fc.assert(fc.property(
    fc.integer({ min: 1, max: 7 }).chain((first) => fc.record({
      first: fc.constant(first), seats: fc.array(anySeat, { minLength: 2 * first + 1, maxLength: 2 * first + 1 }), caller: fc.oneof(fc.constant('client' as const), fc.nat({ max: first - 1 })),
    })), fc.constantFrom<Fault>('none', 'silent', 'lost'), ({ first, seats, caller }, fault) => {
      const wronged = seats.map(({ verdict }) => fault === 'lost' && verdict === 'agreed');
      const { seats: changes, client, burnt } = settle(seats, fault, wronged, TERMS, { first, caller });
      assert.ok(Math.abs(changes.reduce((sum, { coin }) => sum + coin, client.coin + burnt)) < 1e-9);
      assert.ok(burnt >= 0);
    })));

  it('lets a caught cheat pay the audit, and the client what it called in vain', () => {
    const [bad, good] = [seat('deviated'), seat('agreed')];
    const caught = settle([bad, good, good], 'none', [], TERMS, { first: 1, caller: 'client' });
    assert.deepEqual([caught.seats[0], caught.client.coin, caught.burnt], [{ coin: -2.5, good: 0, bad: 8 }, 0.25, 0.25]);
    assert.equal(settle([good, good, good], 'none', [], TERMS, { first: 1, caller: 'client' }).client.coin, -3);
    const panel = settle([good, bad, good, good, good], 'none', [], { ...TERMS, stake: 20 }, { first: 2, caller: 1 });
    assert.deepEqual([panel.seats[1]!.coin, panel.client.coin, panel.burnt], [-10 - 3, -1, 10]);
  });

  it('pays who agreed, rates who did not, and takes the bond of who contested in vain', () => {
    const { seats, client, burnt } = settle([seat('agreed'), seat('deviated'), seat('deviated', true), seat('absent')], 'none', [false, false, false, false]);
    assert.deepEqual(seats, [{ coin: 1, good: 1, bad: 0 }, { coin: 0, good: 0, bad: 4 }, { coin: -1, good: 0, bad: 8 }, { coin: -TERMS.noShow * TERMS.stake, good: 0, bad: 2 }]);
    assert.deepEqual(client, { coin: -1 + 1 + 1.25, good: 1, bad: 0 });
    assert.equal(burnt, 0);
  });

  it('gives a lying client\'s bond to the seats it wronged, a silent one\'s to all that agreed', () => {
    const all = [seat('agreed'), seat('agreed', true), seat('agreed')];
    assert.deepEqual(settle(all, 'lost', [false, true, false]).seats.map(({ coin }) => coin), [1, 2, 1]);
    assert.deepEqual(settle(all, 'silent', [false, false, false]).seats.map(({ coin }) => Math.round(coin * 3)), [4, 4, 4]);
    assert.equal(settle([seat('undecided')], 'silent', [false]).burnt, 1);
  });
});

describe('scores', () => {
  it('are the contract\'s: a newcomer, a good name, and one that was found out once', () => {
    const after = (good: number, bad: number) => scoreOf(rate({ good: 0, bad: 0, day: 0 }, { good, bad }, 0), 0);
    assert.deepEqual([after(0, 0), after(20, 0), after(20, 4)].map((score) => Number(score.toFixed(2))), [0.03, 0.88, 0.68]);
  });
});
