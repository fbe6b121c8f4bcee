import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import { fingerprintOf } from '../fingerprint/fingerprint.ts';
import { MIN_CLASS_RUNS, SKETCH_THRESHOLD } from '../constants.ts';
import { sketchDistance } from '../fingerprint/sketch-distance.ts';
import type { Precedent } from './precedent.ts';
import { RunClass } from './run-class.ts';
import { classModel, strangenessOf } from './strangeness.ts';
import { sketchOf } from '../fingerprint/sketch.ts';
import { runProfile, runTrace, type RunShape } from '../test-support/run.ts';

const sketch = (shape: RunShape) => sketchOf(fingerprintOf(runTrace({ samples: 30, ...shape }), runProfile()));
/** Honest runs whose CPU time spreads by a few percent. */
const past = Array.from({ length: 20 }, (_, i) => sketch({ cpuSeconds: 3 + (i % 7) * 0.05 }));

describe('precedent of a run', () => {
  it('finds an honest run like the others', () => {
    const { runs, alike, p } = new RunClass(past).look(sketch({ cpuSeconds: 3.12 }));
    assert.deepEqual({ runs, alike }, { runs: 20, alike: 20 });
    assert.ok(p > 0.1, String(p));
  });

  it('finds half of the work stranger than every run before', () => {
    const { strangeness, ...rank } = new RunClass(past).look(sketch({ readBytes: 100e6, writtenBytes: 50e6 }));
    assert.deepEqual(rank, { runs: 20, alike: 0, p: 1 / 21 });
    assert.ok(strangeness!.score > 1 && strangeness!.block === 'bytes read' && strangeness!.p <= 0.01, JSON.stringify(strangeness));
  });

  it('says nothing without precedent', () => assert.deepEqual(new RunClass().look(sketch({})), { runs: 0, alike: 0, p: 1 }));

  it('gives honest runs a p-value that is at most p with probability p', () => fc.assert(fc.property(
    fc.array(fc.double({ min: 2, max: 4, noNaN: true }), { minLength: 20, maxLength: 20 }), (cpu) => {
      const sketches = cpu.map((cpuSeconds) => sketch({ cpuSeconds }));
      const low = sketches.filter((one) => new RunClass(sketches.filter((other) => other !== one)).look(one).p <= 0.1);
      // Of exchangeable runs at most a tenth, two of twenty, can be the strangest tenth; equal ones share their rank.
      assert.ok(low.length <= 2);
    },
  ), { numRuns: 20 }));
});

/** The definition, by all distances of all to all. */
function byDefinition(past: readonly Uint8Array[], sketch: Uint8Array): Precedent {
  const median = (values: readonly number[]) => values.toSorted((a, b) => a - b)[Math.floor((values.length - 1) / 2)] ?? 0;
  const all = [...past, sketch];
  const distances = all.map((a) => all.map((b) => sketchDistance(a, b).distance));
  const ranks = distances.map((row, i) => median(row.filter((_, j) => j !== i)));
  const own = ranks.at(-1)!;
  return {
    runs: past.length,
    alike: distances.at(-1)!.slice(0, -1).filter((distance) => distance <= SKETCH_THRESHOLD).length,
    p: ranks.filter((other) => other >= own).length / all.length,
    ...(past.length < MIN_CLASS_RUNS ? {} : { strangeness: strangenessOf(classModel(past), sketch) }),
  };
}

describe('a class of runs', () => {
  const shape: fc.Arbitrary<RunShape> = fc.record({ cpuSeconds: fc.constantFrom(2, 3, 3.1, 9), readBytes: fc.constantFrom(50e6, 100e6, 101e6), writtenBytes: fc.constantFrom(50e6, 60e6) });
  /** Some are no sketches at all, or lack features that the others have. */
  const any = fc.oneof(shape.map(sketch), shape.map((one) => sketch(one).fill(0xff, 9, 40)), fc.constant(new Uint8Array(3)));

  it('says the same as a look at all of its runs, whatever was dropped', () => fc.assert(fc.property(
    fc.array(any, { maxLength: 24 }), any, fc.nat({ max: 6 }), (runs, looked, dropped) => {
      const known = new RunClass(runs);
      for (let i = 0; i < dropped; i++) known.drop();
      assert.deepEqual(known.look(looked), byDefinition(runs.slice(dropped), looked));
    },
  ), { numRuns: 60 }));
});
