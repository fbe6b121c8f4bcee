import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import { hexToBytes, maxUint256, type Hex } from 'viem';
import { MAX_SKETCH_BYTES } from '../../protocol/constants.ts';
import { FEATURES, LONELY_FEATURES_DIVISOR, MAX_SLACK, SKETCH_ABSENT, SKETCH_BYTES, SKETCH_CONTENT_BYTES, SKETCH_CONTENT_TOLERANCE, SKETCH_CONTENT_TOLERANCE_IDENTICAL, SKETCH_THRESHOLD, SKETCH_VERSION } from '../constants.ts';
import { SKETCH_BLOCKS, sketchDistance } from './sketch-distance.ts';

const feature = fc.oneof({ weight: 9, arbitrary: fc.integer({ min: 0, max: SKETCH_ABSENT - 1 }) }, fc.constant(SKETCH_ABSENT));
const sketch = fc.array(feature, { minLength: FEATURES, maxLength: FEATURES })
  .map((values) => Uint8Array.from([SKETCH_VERSION, ...values.flatMap((value) => [value >> 8, value & 0xff]), ...new Uint8Array(SKETCH_CONTENT_BYTES)]));

describe('sketchDistance', () => {
  const vectors = JSON.parse(readFileSync(new URL('../../../test/conformance/vectors/sketch.json', import.meta.url), 'utf8')) as
    { name: string; a: Hex; b: Hex; distance: string; strict: string }[];

  it('reproduces every golden vector', () => {
    assert.ok(vectors.length >= 60);
    const number = (text: string) => (BigInt(text) === maxUint256 ? Infinity : Number(text));
    for (const { name, a, b, distance, strict } of vectors) {
      assert.deepEqual(sketchDistance(hexToBytes(a), hexToBytes(b)), { distance: number(distance), strict: number(strict) }, name);
    }
  });

  it('has the constants of the contract', () => {
    const source = readFileSync(new URL('../../../contracts/src/libraries/SketchLib.sol', import.meta.url), 'utf8');
    const constant = (name: string) => BigInt(new RegExp(`constant ${name} = (\\w+);`).exec(source)![1]!);
    const packed = (values: number[], bits: bigint) => values.reduceRight((word, value) => (word << bits) | BigInt(value), 0n);
    assert.equal(constant('COUNTS'), packed(SKETCH_BLOCKS.map(({ count }) => count), 8n));
    assert.equal(constant('TOLERANCES'), packed(SKETCH_BLOCKS.map(({ tolerance }) => tolerance), 16n));
    assert.equal(constant('CURVES'), packed(SKETCH_BLOCKS.map(({ curve }) => Number(curve)), 1n));
    assert.equal(constant('MAX_SLACK'), BigInt(MAX_SLACK));
    assert.equal(constant('STRICT'), packed(SKETCH_BLOCKS.map(({ strict }) => strict), 16n));
    assert.equal(constant('CONTENT_TOLERANCE'), BigInt(SKETCH_CONTENT_TOLERANCE));
    assert.equal(constant('CONTENT_TOLERANCE_IDENTICAL'), BigInt(SKETCH_CONTENT_TOLERANCE_IDENTICAL));
    assert.equal(constant('VERSION'), BigInt(SKETCH_VERSION));
    assert.equal(constant('THRESHOLD'), BigInt(SKETCH_THRESHOLD));
    assert.equal(constant('FEATURES'), BigInt(FEATURES));
    assert.equal(constant('BLOCKS'), BigInt(SKETCH_BLOCKS.length));
    assert.equal(constant('LONELY_DIVISOR'), BigInt(LONELY_FEATURES_DIVISOR));
    assert.ok(SKETCH_BYTES <= MAX_SKETCH_BYTES);
  });

  it('is symmetric', () => fc.assert(fc.property(sketch, sketch, (a, b) => assert.deepEqual(sketchDistance(a, b), sketchDistance(b, a)))));

  it('is zero for equal sketches that say anything', () => fc.assert(fc.property(sketch, (a) => {
    const expected = a.subarray(1, 1 + 2 * FEATURES).every((byte) => byte === 0xff) ? Infinity : 0;
    assert.deepEqual(sketchDistance(a, a), { distance: expected, strict: expected });
  })));

  it('refuses every other length', () => fc.assert(fc.property(fc.uint8Array({ maxLength: 400 }), sketch, (a, b) => {
    fc.pre(a.length !== SKETCH_BYTES);
    assert.deepEqual(sketchDistance(a, b), { distance: Infinity, strict: Infinity });
  })));
});
