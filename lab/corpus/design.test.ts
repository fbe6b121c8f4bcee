import assert from 'node:assert/strict';
import { test } from 'node:test';
import { HONEST_RUNS, RIGHT_SEED } from './constants.ts';
import { LEVELS, planRuns, plainCondition } from './design.ts';

const plan = planRuns({ name: 'any', knob: true });
const honest = plan.filter(({ slot }) => slot.startsWith('honest-'));

test('plans each variant as often as it should, under names of their own', () => {
  assert.equal(new Set(plan.map(({ slot }) => slot)).size, plan.length);
  assert.equal(honest.length, HONEST_RUNS);
  assert.ok(honest.every(({ seed, fraction, work }) => seed === RIGHT_SEED && fraction === 1 && work === 1));
  const count = (prefix: string) => plan.filter(({ slot }) => slot.startsWith(prefix)).length;
  assert.deepEqual(['wrong-', 'input-0.5-', 'input-0.9-', 'input-0.99-', 'work-0.5-', 'work-0.9-'].map(count), [2, 2, 2, 2, 2, 2]);
  assert.equal(plan.length, HONEST_RUNS + 12);
  assert.equal(planRuns({ name: 'any' }).length, HONEST_RUNS + 8);
  assert.deepEqual(plan.filter(({ slot }) => slot.startsWith('wrong')).map(({ seed }) => seed), [2, 3]);
});

test('covers every level of every condition, among the honest and among the others', () => {
  for (const runs of [honest, plan.filter((run) => !honest.includes(run))]) {
    for (const [factor, levels] of Object.entries(LEVELS)) {
      for (const level of new Set<unknown>(levels)) {
        const share = runs.filter(({ condition }) => condition[factor as keyof typeof LEVELS] === level).length / runs.length;
        const wanted = levels.filter((value) => value === level).length / levels.length;
        // The first honest run is made plain, so one of a rare level can be missing.
        assert.ok(share > 0 || wanted < 0.1, `${factor} ${String(level)} never occurs`);
        assert.ok(Math.abs(share - wanted) < 0.13, `${factor} ${String(level)}: ${share} instead of ${wanted}`);
      }
    }
  }
});

test('starts with the plain run, and spreads the others among the honest ones', () => {
  assert.deepEqual([plan[0]!.slot, plan[0]!.condition], ['honest-00', plainCondition()]);
  const half = plan.slice(0, plan.length / 2).filter((run) => honest.includes(run)).length;
  assert.ok(Math.abs(half - HONEST_RUNS / 2) <= 1, `${half} of ${HONEST_RUNS} in the first half`);
});

test('is the same each time, and another for another job', () => {
  assert.deepEqual(planRuns({ name: 'any', knob: true }), plan);
  assert.notDeepEqual(planRuns({ name: 'other', knob: true }).map(({ condition }) => condition), plan.map(({ condition }) => condition));
});

test('shrinks with the number of honest runs', () => {
  assert.deepEqual(planRuns({ name: 'any' }, 1).map(({ slot }) => slot).sort(), ['honest-00', 'input-0.5-0', 'input-0.9-0', 'input-0.99-0', 'wrong-0']);
});
