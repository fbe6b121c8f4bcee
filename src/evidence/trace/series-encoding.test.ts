import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import { isError } from '../../protocol/base/errors.ts';
import { decodeSeries, encodeSeries } from './series-encoding.ts';

const same = (series: Float64Array) => {
  const decoded = decodeSeries(encodeSeries(series), series.length);
  assert.ok(decoded.every((value, i) => Object.is(value, series[i])) && decoded.length === series.length);
};

describe('encodeSeries', () => {
  it('loses nothing: any float, whole numbers, decimals', () => {
    fc.assert(fc.property(fc.float64Array({ maxLength: 50 }), same));
    fc.assert(fc.property(fc.array(fc.maxSafeNat(), { maxLength: 50 }), (values) => same(Float64Array.from(values))));
    fc.assert(fc.property(fc.array(fc.nat(1e9), { maxLength: 50 }), (values) => same(Float64Array.from(values, (value) => value / 1e6))));
    same(Float64Array.of(2 ** 51, 0, 2 ** 51, 2 ** 51 + 1, -0, Number.NaN, -Infinity));
  });

  it('takes a byte a sample for what stands still', () => assert.equal(encodeSeries(new Float64Array(1000).fill(7)).length, 1001));
});

describe('decodeSeries', () => {
  it('refuses what does not fit its claims', () => {
    const good = encodeSeries(Float64Array.of(0, 300, 5));
    for (const [bytes, samples] of [
      [new Uint8Array(), 0], [Uint8Array.of(9), 0], [good, 2], [good, 4], [good.subarray(0, -1), 3], [Uint8Array.of(0, 1, 2), 1],
      [Uint8Array.of(1, 1), 1], [Uint8Array.of(1, ...Array<number>(20).fill(0xff), 0), 1], [Uint8Array.of(1), 10_000_000],
    ] as const) assert.throws(() => decodeSeries(bytes, samples), (error) => isError(error, 'EVIDENCE_MALFORMED'));
  });

  it('decodes noise to numbers or refuses it', () => fc.assert(fc.property(fc.uint8Array({ maxLength: 100 }), fc.nat(100), (bytes, samples) => {
    try {
      assert.equal(decodeSeries(bytes, samples).length, samples);
    } catch (error) {
      assert.ok(isError(error, 'EVIDENCE_MALFORMED'));
    }
  })));
});
