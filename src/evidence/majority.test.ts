import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import { SKETCH_BYTES, SKETCH_THRESHOLD, SKETCH_VERSION } from './constants.ts';
import { majorityOf } from './majority.ts';
import { sketchDistance } from './sketch-distance.ts';

/** Sketches on a line: the first total `steps` above a base. Its block has one feature, so steps are the distance. */
const at = (steps: number): Uint8Array => {
  const sketch = new Uint8Array(SKETCH_BYTES);
  sketch[0] = SKETCH_VERSION;
  new DataView(sketch.buffer).setUint16(1, 20_000 + steps);
  return sketch;
};
const reach = [...Array(5000).keys()].findLast((steps) => sketchDistance(at(0), at(steps)).distance <= SKETCH_THRESHOLD)!;

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

  it('leaves out bytes that are no sketch', () => assert.deepEqual(majorityOf([new Uint8Array(), at(0), at(1)]), [1, 2]));

  it('is a clique of more than half', () => fc.assert(fc.property(fc.array(fc.integer({ min: 0, max: 3 * reach }), { maxLength: 15 }), (line) => {
    const sketches = line.map(at);
    const majority = majorityOf(sketches);
    assert.ok(majority.length === 0 || 2 * majority.length > line.length);
    for (const i of majority) for (const j of majority) assert.ok(sketchDistance(sketches[i]!, sketches[j]!).distance <= SKETCH_THRESHOLD);
  })));
});
