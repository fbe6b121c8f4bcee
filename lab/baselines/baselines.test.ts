import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { runProfile, runTrace } from '../../src/evidence/test-support/run.ts';
import type { Submission } from '../attackers/attack.ts';
import { dtwCpuTime } from './dtw-cpu-time.ts';
import { dtwWallTime } from './dtw-wall-time.ts';
import { dtw } from './dtw.ts';
import { outputHash } from './output-hash.ts';
import { prototype2022, prototypeDistance } from './prototype-2022.ts';
import type { FingerprintPlugin } from '../evaluate/fingerprint-plugin.ts';

const MB = 1e6;
const submission = (trace = runTrace(), resultDigest: `0x${string}` = '0x01'): Submission => ({ trace, profile: runProfile(), resultDigest });
const between = (plugin: FingerprintPlugin, a: Submission, b: Submission) => plugin.prepare([a, b])(0, 1);

describe('the prototype of 2022', () => {
  it('takes half the signed mean of ten differences, in MB', () => {
    const level = (megabytes: number) => ({ ...runTrace({ samples: 3 }), channels: { residentBytes: new Float64Array(3).fill(megabytes * MB) } });
    assert.ok(Math.abs(prototypeDistance(level(10), level(16)) - 3) < 1e-9);
  });
  it('lets a reversed trace and a flat line pass, which is why it is only a baseline', () => {
    const ramp = runTrace({ memory: (work) => work });
    const backwards = runTrace({ memory: (work) => 1 - work });
    const flat = runTrace({ memory: () => 0.5 });
    const idle = runTrace({ memory: () => 0 });
    for (const cheat of [backwards, flat]) assert.ok(prototypeDistance(ramp, cheat) < prototypeDistance(ramp, idle) / 4);
    assert.equal(between(prototype2022, submission(ramp), submission(ramp)), 0);
  });
});

describe('dtw', () => {
  const curve = (...values: number[]) => ({ length: values.length, channels: [Float64Array.from(values)] });
  it('aligns within its band only', () => {
    const [early, late] = [curve(0, 1, 0, 0, 0, 0), curve(0, 0, 0, 1, 0, 0)];
    assert.equal(dtw(early, late, 2), 0);
    assert.ok(Math.abs(dtw(early, late, 0) - 2 / 6) < 1e-12);
    assert.equal(dtw({ length: 4, channels: [] }, curve(1, 2, 3, 4), 1), Infinity);
  });
});

describe('DTW baselines', () => {
  const slow = runTrace({ samples: 900, progress: (time) => time ** 2 });
  it('differ in what a slower machine does to them', () => {
    const [wall, cpu] = [dtwWallTime, dtwCpuTime].map((plugin) => between(plugin, submission(), submission(slow)));
    assert.ok(cpu! < 0.01, String(cpu));
    assert.ok(wall! > 10 * cpu!, `${wall} ${cpu}`);
  });
  it('survive a trace of one sample', () => {
    for (const plugin of [dtwWallTime, dtwCpuTime, prototype2022]) assert.ok(between(plugin, submission(), submission(runTrace({ samples: 1 }))) >= 0);
  });
});

describe('output hash', () => {
  it('is 0 or 1', () => {
    assert.deepEqual([between(outputHash, submission(), submission(runTrace({ samples: 900 }))), between(outputHash, submission(), submission(runTrace({ samples: 900 }), '0x02'))], [0, 1]);
  });
});
