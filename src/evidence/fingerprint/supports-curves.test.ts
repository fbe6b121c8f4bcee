import assert from 'node:assert/strict';
import { it } from 'node:test';
import fc from 'fast-check';
import type { Trace } from '../../protocol/trace/trace.ts';
import { runTrace } from '../test-support/run.ts';
import { compareFingerprints } from './compare-fingerprints.ts';
import { fingerprintOf } from './fingerprint.ts';
import { supportsCurves } from './supports-curves.ts';

const at = (trace: Trace, places: readonly number[]): Trace => {
  const pick = (series: Float64Array) => Float64Array.from(places, (i) => series[i]!);
  return { ...trace, t: pick(trace.t), channels: Object.fromEntries(Object.entries(trace.channels).map(([name, series]) => [name, pick(series)])) };
};

/** Reads everything, computes, writes everything. */
function parts(samples = 3000): Trace {
  const trace = runTrace({ samples, intervalMs: 1, memory: (work) => work });
  const part = (from: number, to: number, total: number) => trace.t.map((_, i) => Math.round(Math.min(1, Math.max(0, (i / (samples - 1) - from) / (to - from))) * total));
  Object.assign(trace.channels, { readBytes: part(0, 0.3, 50e6), cpuNs: part(0.2, 0.8, 2e9), writtenBytes: part(0.7, 1, 50e6) });
  return trace;
}

it('is true of a run that was sampled often, and of one that did nothing; not of one that was seen at its ends alone', () => {
  assert.equal(supportsCurves(parts()), true);
  assert.equal(supportsCurves(at(parts(), [0, 2999])), false);
  assert.equal(supportsCurves(runTrace({ samples: 2, cpuSeconds: 0.001, peakBytes: 1e6, readBytes: 1000, writtenBytes: 1000, faults: 10 })), true);
});

it('means that no sampling tells two such traces of one run apart', () => {
  const run = parts();
  const sampling = fc.array(fc.integer({ min: 1, max: 2998 }), { maxLength: 150, size: 'max' }).map((inner) => at(run, [0, ...new Set(inner.toSorted((a, b) => a - b)), 2999]));
  let supported = 0;
  fc.assert(fc.property(sampling, sampling, (a, b) => {
    if (!supportsCurves(a) || !supportsCurves(b)) return;
    supported++;
    const { blocks } = compareFingerprints(fingerprintOf({ ...a, intervalMs: 20 }), fingerprintOf({ ...b, intervalMs: 20 }));
    for (const { name, distance } of blocks) if (name !== 'peak memory') assert.ok(distance <= 1, `${name} ${distance}`);
  }), { numRuns: 300 });
  assert.ok(supported > 20, String(supported));
});
