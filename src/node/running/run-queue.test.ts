import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { RunQueue } from './run-queue.ts';

const never = new AbortController().signal;
const needs = (cpus: number) => ({ cpus, memoryBytes: 1, diskBytes: 1 });

test('never runs more than the machine has, and runs everything', async () => {
  await fc.assert(fc.asyncProperty(fc.array(fc.integer({ min: 1, max: 6 }), { maxLength: 20 }), async (sizes) => {
    const queue = new RunQueue({ cpus: 4, memoryBytes: 1000, diskBytes: 1000 });
    let used = 0;
    let done = 0;
    await Promise.all(sizes.map((size) => queue.run(needs(size), async () => {
      used += Math.min(size, 4);
      assert.ok(used <= 4);
      await new Promise(setImmediate);
      used -= Math.min(size, 4);
      done++;
    }, never)));
    assert.equal(done, sizes.length);
    assert.equal(queue.running, 0);
  }), { numRuns: 30 });
});

test('a failing task gives its room back, an aborted one in the queue never starts', async () => {
  const queue = new RunQueue({ cpus: 1, memoryBytes: 10, diskBytes: 10 });
  const controller = new AbortController();
  let release!: () => void;
  const first = queue.run(needs(1), () => new Promise<void>((_, reject) => { release = () => reject(new Error('broken')); }), never);
  const second = queue.run(needs(1), () => Promise.resolve('ran'), controller.signal);
  const third = queue.run(needs(1), () => Promise.resolve('ran'), never);
  controller.abort(new Error('not needed'));
  await assert.rejects(second, /not needed/);
  release();
  await assert.rejects(first, /broken/);
  assert.equal(await third, 'ran');
  assert.equal(queue.waiting, 0);
});
