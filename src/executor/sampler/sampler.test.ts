import assert from 'node:assert/strict';
import { test } from 'node:test';
import { monotonicMs } from './monotonic-ms.ts';
import { startSampler } from './sampler.ts';

test('time begins and ends with the orders, whenever the sampler\'s thread comes to them', async () => {
  const sampler = await startSampler({ rootPid: process.pid }, { intervalMs: 60_000 });
  const before = monotonicMs();
  sampler.go();
  const begun = monotonicMs();
  await new Promise((resolve) => { setTimeout(resolve, 50); });
  const ending = monotonicMs();
  const stopped = sampler.stop();
  const after = monotonicMs();
  const { startedMs, t, stats } = await stopped;
  assert.ok(startedMs! >= before && startedMs! <= begun);
  // Clocks are read one after the other: microseconds, not the time a crowded machine takes.
  assert.ok(t.at(-1)! >= ending - begun - 0.1 && t.at(-1)! <= after - before + 0.1, `${t.at(-1)} of ${ending - begun} to ${after - before}`);
  assert.deepEqual([stats.samples, stats.lost], [2, 0]);
});
