import assert from 'node:assert/strict';
import { test } from 'node:test';
import { numberToHex } from 'viem';
import { MAX_PENDING_JOBS } from '../constants.ts';
import { ReachWait } from './reach-wait.ts';

test('each job is looked at once, from its time on, and may wait again from within', () => {
  const wait = new ReachWait();
  const looked: string[] = [];
  wait.add('0x01', 10, () => { looked.push('first'); wait.add('0x01', 30, () => looked.push('first again')); });
  wait.add('0x02', 20, () => looked.push('second'));
  wait.onTime(9);
  assert.deepEqual(looked, []);
  wait.onTime(10);
  wait.onTime(25);
  assert.deepEqual(looked, ['first', 'second']);
  assert.ok(wait.has('0x01') && !wait.has('0x02'));
  wait.onTime(100);
  wait.onTime(200);
  assert.deepEqual(looked, ['first', 'second', 'first again']);
});

test('a job announced again waits by what is known last', () => {
  const wait = new ReachWait();
  const looked: number[] = [];
  wait.add('0x01', 10, () => looked.push(1));
  wait.add('0x01', 20, () => looked.push(2));
  wait.onTime(15);
  assert.deepEqual(looked, []);
  wait.onTime(20);
  assert.deepEqual(looked, [2]);
});

test('a flood of jobs takes no more than so much memory', () => {
  const wait = new ReachWait();
  let looked = 0;
  for (let i = 0; i < 3 * MAX_PENDING_JOBS; i++) wait.add(numberToHex(i), 1, () => looked++);
  wait.onTime(1);
  assert.equal(looked, MAX_PENDING_JOBS);
});
