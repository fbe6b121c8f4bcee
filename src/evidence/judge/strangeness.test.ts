import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import { blockDistances, CPU_BLOCK, DISTANCE_BLOCKS } from './block-distances.ts';
import { compareFingerprints } from '../fingerprint/compare-fingerprints.ts';
import { CLASS_BLOCK_LIMITS, CLASS_LIMIT, CLASS_PRIORS, CLASS_SCORES, MIN_CLASS_RUNS, SKETCH_BYTES, SKETCH_VERSION } from '../constants.ts';
import { fingerprintOf } from '../fingerprint/fingerprint.ts';
import { sketchOf } from '../fingerprint/sketch.ts';
import { classModel, deviationsFrom, strangenessOf } from './strangeness.ts';
import { runProfile, runTrace, type RunShape } from '../test-support/run.ts';

const fingerprint = (shape: RunShape, bytes = 1_000_000) => fingerprintOf(runTrace({ samples: 30, ...shape }), runProfile({ bytes }));
const sketch = (shape: RunShape, bytes?: number) => sketchOf(fingerprint(shape, bytes));
/** Honest runs whose CPU time spreads by a tenth. */
const past = Array.from({ length: 10 }, (_, i) => sketch({ cpuSeconds: 3 + (i % 7) * 0.05 }));
const score = (shape: RunShape, bytes?: number) => strangenessOf(classModel(past), sketch(shape, bytes));

describe('blockDistances', () => {
  it('is the measure of whole fingerprints, but for CPU time\'s sign and for rounding', () => fc.assert(fc.property(
    fc.double({ min: 1, max: 8, noNaN: true }), fc.double({ min: 1e6, max: 1e8, noNaN: true }), fc.integer({ min: 3000, max: 2_000_000 }), (cpuSeconds, readBytes, bytes) => {
      const [a, b] = [{ cpuSeconds, readBytes }, { cpuSeconds: 4 }];
      const distances = blockDistances(sketch(a, bytes), sketch(b));
      for (const { name, distance } of compareFingerprints(fingerprint(a, bytes), fingerprint(b)).blocks.filter((block) => DISTANCE_BLOCKS.indexOf(block.name) < DISTANCE_BLOCKS.length - 1)) {
        const here = distances[DISTANCE_BLOCKS.indexOf(name)]!;
        assert.ok(Math.abs(Math.abs(here) - distance) < 0.15 + distance / 25, `${name}: ${here}, not ${distance}`);
      }
      assert.ok(cpuSeconds > 4 === distances[CPU_BLOCK]! > 0 || Math.abs(cpuSeconds - 4) < 0.1);
    }), { numRuns: 50 }));

  it('knows no distance of what either lacks', () => {
    const trace = runTrace({ samples: 30 });
    delete trace.channels.minorFaults;
    const without = sketchOf(fingerprintOf(trace, runProfile()));
    assert.ok(Number.isNaN(blockDistances(without, past[0]!)[DISTANCE_BLOCKS.indexOf('page faults')]));
    assert.equal(strangenessOf(classModel(past), without).block === 'page faults', false);
  });
});

describe('strangeness', () => {
  it('has a prior for each block, and limits that ascend', () => {
    assert.deepEqual([CLASS_PRIORS.length, CLASS_BLOCK_LIMITS.length], [DISTANCE_BLOCKS.length, DISTANCE_BLOCKS.length]);
    assert.ok(CLASS_SCORES.every(([score, share], i) => i === 0 || (score > CLASS_SCORES[i - 1]![0] && share < CLASS_SCORES[i - 1]![1])));
    assert.ok(CLASS_SCORES.some(([score, share]) => score === CLASS_LIMIT && share === 0.01));
  });

  it('finds an honest run usual, and more CPU time nothing strange', () => {
    assert.ok(score({ cpuSeconds: 3.12 }).score < 0.5);
    assert.ok(score({ cpuSeconds: 6 }).score < 1);
  });

  it('finds the class\'s own spread usual, and what is beyond it strange, though the same limits hold for all pairs', () => {
    // Within the tolerance of a pair, 1.4 octaves, far outside of what this class has shown.
    const { score: found, block, p } = score({ cpuSeconds: 1.5 });
    assert.ok(found > 1 && p <= 0.01, String(found));
    assert.match(block!, /CPU time/);
    assert.equal(score({}, 990_000).block, 'output size');
  });

  it('takes no certainty from runs that are all the same', () => {
    const same = Array.from({ length: MIN_CLASS_RUNS }, () => sketch({}));
    assert.ok(classModel(same).spread.every((sum) => sum === 0));
    assert.ok(strangenessOf(classModel(same), sketch({ cpuSeconds: 7.7 })).score < 1);
  });

  it('calls strange what lacks what the others show, and bytes that are no sketch', () => {
    const empty = new Uint8Array(SKETCH_BYTES).fill(0xff);
    empty[0] = SKETCH_VERSION;
    for (const bytes of [empty, new Uint8Array(SKETCH_BYTES), new Uint8Array()]) {
      const { score: found, block } = strangenessOf(classModel(past), bytes);
      assert.ok(found > 1 && Number.isFinite(found));
      assert.equal(block, undefined);
    }
  });

  it('does not depend on the order of the earlier runs', () => fc.assert(fc.property(fc.shuffledSubarray(past, { minLength: past.length }), (order) => {
    const one = sketch({ cpuSeconds: 2.9 });
    const [a, b] = [deviationsFrom(classModel(past), one), deviationsFrom(classModel(order), one)];
    a.forEach((value, k) => assert.ok(Math.abs(value - b[k]!) < 1e-9));
  }), { numRuns: 20 }));
});
