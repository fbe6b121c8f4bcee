import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import { formatDurationMs } from './units.ts';

describe('durations as people read them', () => {
  it('are said in the units they have', () => {
    const said = [[0, '0 ms'], [850, '850 ms'], [999.7, '1.0 s'], [12_340, '12.3 s'], [59_940, '59.9 s'], [59_960, '1 min'], [250_000, '4 min 10 s'], [299_700, '5 min'],
      [600_000, '10 min'], [3_599_900, '1 h'], [7_500_000, '2 h 5 min'], [86_400_000, '24 h']] as const;
    for (const [ms, text] of said) assert.equal(formatDurationMs(ms), text);
  });

  it('never say sixty of a unit, and are off by a hundredth or so at most', () => fc.assert(fc.property(fc.double({ min: 0, max: 1e9, noNaN: true }), (ms) => {
    const text = formatDurationMs(ms);
    assert.doesNotMatch(text, /\b60(\.0)? (s|min)\b/);
    const factors: Record<string, number> = { ms: 1, s: 1000, min: 60_000, h: 3_600_000 };
    const back = [...text.matchAll(/([\d.]+) (ms|s|min|h)/g)].reduce((sum, [, value, unit]) => sum + Number(value) * factors[unit!]!, 0);
    assert.ok(Math.abs(back - ms) <= Math.max(1, 0.06 * ms) && Math.abs(back - ms) <= 60_000, `${text} of ${ms}`);
  })));
});
