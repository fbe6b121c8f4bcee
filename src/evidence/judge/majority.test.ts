import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import { SKETCH_BYTES, SKETCH_THRESHOLD, SKETCH_VERSION } from '../constants.ts';
import { majorityOf, type Opened } from './majority.ts';
import { sketchDistance } from '../fingerprint/sketch-distance.ts';
import { toleranceOf } from '../tolerance.ts';

/** Sketches on a line: the first total `steps` above a base. Its block has one feature, so steps are the distance. */
const line = (steps: number): Uint8Array => {
  const sketch = new Uint8Array(SKETCH_BYTES);
  sketch[0] = SKETCH_VERSION;
  new DataView(sketch.buffer).setUint16(1, 20_000 + steps);
  return sketch;
};
/** Replicas with results of their own, unless told otherwise, and the first bits of content set. */
let results = 0;
const at = (steps: number, { bits = 0, result = results++ }: { bits?: number; result?: number } = {}): Opened => {
  const sketch = line(steps);
  new DataView(sketch.buffer).setBigUint64(SKETCH_BYTES - 8, (1n << BigInt(bits)) - 1n);
  return { sketch, resultDigest: String(result) };
};
const reach = [...Array(5000).keys()].findLast((steps) => sketchDistance(line(0), line(steps)).distance <= SKETCH_THRESHOLD)!;

describe('majorityOf', () => {
  it('finds everyone, the larger part, or nobody', () => {
    assert.deepEqual(majorityOf([]), []);
    assert.deepEqual(majorityOf([at(0)]), [0]);
    assert.deepEqual(majorityOf([at(0), at(1), at(2)]), [0, 1, 2]);
    assert.deepEqual(majorityOf([at(5 * reach), at(0), at(1)]), [1, 2]);
    assert.deepEqual(majorityOf([at(0), at(5 * reach)]), []);
    assert.deepEqual(majorityOf([at(0), at(1), at(5 * reach), at(5 * reach)]), []);
  });

  it('does not chain: the two ends of a row are not alike', () => assert.deepEqual(majorityOf([at(0), at(reach), at(2 * reach)]), [0, 1]));

  it('goes by content where a majority repeats itself, closely where its results are identical', () => {
    assert.deepEqual(majorityOf([at(0), at(0, { bits: 8 }), at(0, { bits: 4 })]), [0, 1, 2]);
    assert.deepEqual(majorityOf([at(0), at(0, { bits: 9 }), at(0)]), [0, 2]);
    assert.deepEqual(majorityOf([at(0), at(0, { bits: 20 }), at(0, { bits: 60 })]), [0, 1, 2]);
    assert.deepEqual(majorityOf([at(0, { result: 7 }), at(0, { bits: 4 }), at(0, { result: 7 })]), [0, 2]);
    assert.deepEqual(majorityOf([at(0, { result: 7 }), at(0, { bits: 3 }), at(0, { result: 7 })]), [0, 1, 2]);
  });

  it('has a threshold that grows with the shards, and asks for much other content only where results are identical', () => {
    for (const shards of [2, 3, 60, 10_000]) {
      const far = reach * toleranceOf(shards);
      assert.deepEqual(majorityOf([at(0), at(far), at(0)], shards), [0, 1, 2]);
      assert.deepEqual(majorityOf([at(0), at(far + toleranceOf(shards)), at(0)], shards), [0, 2]);
      assert.deepEqual(majorityOf([at(0), at(0, { bits: 64 }), at(0)], shards), [0, 1, 2]);
      assert.deepEqual(majorityOf([at(0, { result: 7 }), at(0, { bits: 16 }), at(0, { result: 7 })], shards), [0, 1, 2]);
      assert.deepEqual(majorityOf([at(0, { result: 7 }), at(far, { bits: 17 }), at(0, { result: 7 })], shards), [0, 2]);
    }
  });

  it('leaves out bytes that are no sketch', () => assert.deepEqual(majorityOf([{ sketch: new Uint8Array(), resultDigest: 'x' }, at(0), at(1)]), [1, 2]));

  it('is a clique of more than half', () => fc.assert(fc.property(fc.array(fc.integer({ min: 0, max: 3 * reach }), { maxLength: 15 }), (steps) => {
    const replicas = steps.map((one) => at(one));
    const majority = majorityOf(replicas);
    assert.ok(majority.length === 0 || 2 * majority.length > steps.length);
    for (const i of majority) for (const j of majority) assert.ok(sketchDistance(replicas[i]!.sketch, replicas[j]!.sketch).distance <= SKETCH_THRESHOLD);
  })));
});
