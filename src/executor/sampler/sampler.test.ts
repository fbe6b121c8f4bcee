import assert from 'node:assert/strict';
import { spawn, type ChildProcess } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { after, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { isError } from '../../protocol/index.ts';
import { GLANCE_INTERVAL_MS } from '../constants.ts';
import type { Sample } from '../engine.ts';
import { monotonicMs } from './monotonic-ms.ts';
import { startSampler } from './sampler.ts';

/** CPU time after which a busy process is told from one that only started, clock ticks. */
const BUSY_TICKS = 30;

describe('startSampler', () => {
  const children: ChildProcess[] = [];
  after(() => { for (const child of children) child.kill('SIGKILL'); });
  const job = (script: string): number => {
    const child = spawn('/bin/sh', ['-c', script], { stdio: ['pipe', 'ignore', 'ignore'] });
    children.push(child);
    return child.pid!;
  };
  const watch = (pid: number) => startSampler({ rootPid: pid }, { intervalMs: 5 });
  const ticksOf = (pid: number) => Number(/\) \S+(?: \S+){10} (\d+)/.exec(readFileSync(`/proc/${pid}/stat`, 'latin1'))![1]);

  test('watches many jobs at once, each from its own start to its own end', async () => {
    const busy = job('while :; do :; done');
    const idle = await Promise.all(Array.from({ length: 20 }, () => watch(job('read -r x'))));
    const working = await watch(busy);
    const [early, never, ...rest] = idle;
    working.go();
    early!.go();
    const before = ticksOf(busy);
    while (ticksOf(busy) < before + BUSY_TICKS) await sleep(5);
    const stopped = [await never!.stop(), await early!.stop()];
    for (const sampler of rest) sampler.go();
    stopped.push(...await Promise.all(rest.map((sampler) => sampler.stop())));
    const worked = await working.stop();

    assert.ok(worked.channels.cpuNs!.at(-1)! > 0);
    for (const { t, channels, stats } of stopped) {
      assert.equal(t[0], 0, 'time 0 is a job\'s own start');
      assert.equal(stats.samples, t.length);
      assert.ok(stats.cpuNs >= 0);
      assert.ok(channels.cpuNs!.at(-1)! < worked.channels.cpuNs!.at(-1)! / 2, 'nobody is charged for another\'s work');
    }
    assert.ok(worked.t.length > 2 && stopped[1]!.t.length > 2 && stopped[0]!.t.length === 2, 'one that was never started has a beginning and an end');
  });

  test('who looks on sees the job as it runs, now and then', async () => {
    const seen: Sample[] = [];
    const { promise: enough, resolve } = Promise.withResolvers<void>();
    const sampler = await startSampler({ rootPid: job('while :; do :; done') }, { intervalMs: 5, onSample: (sample) => {
      seen.push(sample);
      if (sample.channels.cpuNs! > seen[0]!.channels.cpuNs!) resolve();
    } });
    sampler.go();
    await enough;
    const { t, channels } = await sampler.stop();
    assert.ok(seen.every((sample, i) => sample.t - (seen[i - 1]?.t ?? 0) >= GLANCE_INTERVAL_MS - 1e-6), 'not every sample');
    for (const sample of seen) assert.equal(sample.channels.cpuNs, channels.cpuNs![t.indexOf(sample.t)], 'a sample of the trace');
  });

  test('a job that cannot be watched does not disturb the others', async () => {
    const good = await watch(job('read -r x'));
    good.go();
    const pid = job('read -r x');
    await assert.rejects(startSampler({ rootPid: pid, scratchPath: '/nowhere' }, { intervalMs: 5 }), (error) => isError(error, 'SAMPLER_FAILED'));
    await assert.rejects(startSampler({ rootPid: pid }, { intervalMs: 0 }), (error) => isError(error, 'REQUEST_INVALID'));
    const { t, channels } = await good.stop();
    assert.ok(t.length >= 2 && channels.processes !== undefined);
  });

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
});
