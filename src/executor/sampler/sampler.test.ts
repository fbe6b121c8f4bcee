import assert from 'node:assert/strict';
import { spawn, type ChildProcess } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { after, describe, test } from 'node:test';
import { isError } from '../../protocol/index.ts';
import { startSampler } from './sampler.ts';

describe('startSampler', () => {
  const children: ChildProcess[] = [];
  after(() => { for (const child of children) child.kill('SIGKILL'); });
  const busy = (script: string): number => {
    const child = spawn('/bin/sh', ['-c', script], { stdio: 'ignore' });
    children.push(child);
    return child.pid!;
  };
  const watch = (pid: number) => startSampler({ rootPid: pid }, { intervalMs: 5 });

  test('watches many jobs at once, each from its own start to its own end', async () => {
    const idle = await Promise.all(Array.from({ length: 20 }, () => watch(busy('sleep 60'))));
    const working = await watch(busy('while :; do :; done'));
    working.go();
    idle[0]!.go();
    await sleep(200);
    const early = await idle[0]!.stop();
    const never = await idle[1]!.stop();
    for (const sampler of idle.slice(2)) sampler.go();
    await sleep(100);
    const rest = await Promise.all(idle.slice(2).map((sampler) => sampler.stop()));
    const late = await working.stop();

    assert.ok(early.t.at(-1)! >= 190 && late.t.at(-1)! > early.t.at(-1)! + 90, 'time 0 is each job\'s own start');
    assert.ok(never.t.at(-1)! < 100 && rest.every(({ t }) => t.at(-1)! < late.t.at(-1)!));
    assert.ok(late.channels.cpuNs!.at(-1)! > 0);
    assert.ok([early, ...rest].every(({ channels }) => channels.cpuNs!.at(-1) === 0), 'nobody is charged for another\'s work');
    for (const { t, stats } of [early, late, ...rest]) {
      assert.equal(t[0], 0);
      assert.equal(stats.samples, t.length);
      assert.ok(t.length > 2 && stats.cpuNs >= 0);
    }
  });

  test('a job that cannot be watched does not disturb the others', async () => {
    const good = await watch(busy('sleep 60'));
    good.go();
    const pid = busy('sleep 60');
    await assert.rejects(startSampler({ rootPid: pid, scratchPath: '/nowhere' }, { intervalMs: 5 }), (error) => isError(error, 'SAMPLER_FAILED'));
    await assert.rejects(startSampler({ rootPid: pid }, { intervalMs: 0 }), (error) => isError(error, 'REQUEST_INVALID'));
    await sleep(50);
    assert.ok((await good.stop()).t.length > 2);
  });
});
