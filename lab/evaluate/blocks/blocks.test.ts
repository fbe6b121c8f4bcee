import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { runProfile, runTrace } from '../../../src/evidence/test-support/run.ts';
import type { FingerprintPlugin } from '../fingerprint-plugin.ts';
import { coherence } from './coherence.ts';
import { along } from './counter-path.ts';
import { dtwWork } from './dtw-work.ts';
import { logSignature, logSignatures } from './log-signature.ts';

const between = (plugin: FingerprintPlugin, a = runTrace(), b = runTrace()) => plugin.prepare([a, b].map((trace) => ({ trace, profile: runProfile(), resultDigest: '0x01' as const })))(0, 1);
const uneven = (work: number) => (work < 0.5 ? work / 5 : 0.1 + (work - 0.5) * 1.8);

describe('the log-signature', () => {
  it('of a straight line is its ends alone; level 2 is the signed area, whatever the sampling', () => {
    const line = logSignature([Float64Array.of(0, 0.2, 1), Float64Array.of(0, 0.4, 2)]);
    assert.deepEqual([...line.one], [1, 2]);
    for (const value of [...line.two, ...line.three]) assert.ok(Math.abs(value) < 1e-12);
    // Along one axis, then along the other: half of the unit square, between (0, 1) and (1, 0).
    const corner = logSignature([Float64Array.of(0, 1, 1), Float64Array.of(0, 0, 1)]);
    assert.deepEqual([...corner.two], [0, 0.5, -0.5, 0]);
    const dense = logSignature([Float64Array.of(0, 0.3, 1, 1, 1), Float64Array.of(0, 0, 0, 0.6, 1)]);
    for (const level of ['two', 'three'] as const) corner[level].forEach((value, i) => assert.ok(Math.abs(value - dense[level][i]!) < 1e-12));
  });
});

describe('blocks that were tried', () => {
  for (const plugin of [logSignatures, dtwWork, coherence]) {
    it(`${plugin.name} is 0 for the same run, small for a slower one, and survives runs of a sample or two`, () => {
      assert.ok(between(plugin) < 1e-9);
      assert.ok(between(plugin, runTrace(), runTrace({ samples: 900, progress: (time) => time ** 2 })) < between(plugin, runTrace(), runTrace({ memory: (work) => 1 - uneven(work) })), plugin.name);
      for (const samples of [1, 2]) assert.ok(between(plugin, runTrace(), runTrace({ samples })) >= 0);
    });
  }
  it('read a series along an axis', () => assert.deepEqual([...along(Float64Array.of(0, 0.5, 1), Float64Array.of(0, 10, 30), 4)], [0, 5, 10, 20, 30]));
});
