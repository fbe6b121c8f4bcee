import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { GROWTH_OFFSET, GROWTH_STEPS, MAX_WAYPOINTS, PAGE_BYTES } from './meter-page.ts';
import { Waypoints } from './waypoints.ts';

const MiB = 1024 ** 2;
const state = (ms: number, instructions: number, resident: number, read: number, written: number, reads = 0, writes = 0) => Float64Array.of(ms, instructions, resident, read, written, reads, writes);
const page = (growth: Record<number, number> = {}) => {
  const bytes = new ArrayBuffer(PAGE_BYTES);
  const words = new BigInt64Array(bytes, GROWTH_OFFSET, GROWTH_STEPS);
  for (const [step, instructions] of Object.entries(growth)) words[Number(step)] = BigInt(instructions);
  return bytes;
};
const rising = (rows: Float64Array[]) => rows.every((row, i) => i === 0 || row.every((value, field) => value >= rows[i - 1]![field]!));

describe('waypoints', () => {
  it('are both sides of a call that matters, and the end', () => {
    const waypoints = new Waypoints(state(0, 0, MiB, 0, 0));
    const [before, after] = [state(5, 1e6, MiB, 0, 0), state(6, 1e6, MiB, 500_000, 0, 1)];
    waypoints.add(before, after);
    // Ten bytes and ten instructions more are no turn.
    waypoints.add(state(7, 1e6 + 10, MiB, 500_000, 0, 1), state(7, 1e6 + 10, MiB, 500_010, 0, 2));
    const end = state(9, 2e6, MiB, 500_010, 0, 2);
    assert.deepEqual(waypoints.finish(end, page()), [before, after, end]);
  });

  it('have the memory\'s steps where they were, with nothing but instructions between them and their neighbours', () => {
    const waypoints = new Waypoints(state(0, 0, MiB, 0, 0));
    waypoints.add(state(10, 1000, 4 * MiB, 0, 0), state(20, 1000, 4 * MiB, 1e6, 0, 1));
    const rows = waypoints.finish(state(30, 3000, 600 * MiB, 1e6, 0, 1), page({ 4: 500, 600: 2000 }));
    assert.deepEqual(rows.map(([ms, instructions, resident, read]) => [ms, instructions, resident! / MiB, read]), [
      [5, 500, 1, 0], [5, 500, 4, 0], [10, 1000, 4, 0], [20, 1000, 4, 1e6], [25, 2000, 4, 1e6], [25, 2000, 600, 1e6], [30, 3000, 600, 1e6],
    ]);
  });

  it('are at most so many, always the same for the same counts, and leave no turn out that is large', () => fc.assert(fc.property(
    fc.array(fc.record({ instructions: fc.nat(1e7), bytes: fc.nat(1e6), write: fc.boolean(), ms: fc.nat(50) }), { minLength: 1, maxLength: 2000, size: 'max' }),
    (calls) => {
      const total = calls.reduce((sum, { instructions }) => sum + instructions, 0);
      // The memory grows evenly, by 4,000 steps.
      const growth = Array.from({ length: 4000 }, (_, i) => Math.max(1, Math.ceil(((i + 1) * total) / 4001)));
      const walk = (clock: number) => {
        const waypoints = new Waypoints(state(0, 0, MiB, 0, 0));
        const at = state(0, 0, MiB, 0, 0);
        let step = 0;
        for (const { instructions, bytes, write, ms } of calls) {
          at[0]! += ms * clock;
          at[1]! += instructions;
          while (growth[step]! <= at[1]!) step++;
          at[2] = (1 + step) * MiB;
          const before = at.slice();
          at[write ? 4 : 3]! += bytes;
          at[write ? 6 : 5]!++;
          waypoints.add(before, at);
        }
        return waypoints.finish(at, page(Object.fromEntries(growth.map((needed, i) => [i + 2, needed]))));
      };
      const rows = walk(1);
      assert.ok(rows.length <= MAX_WAYPOINTS);
      assert.ok(rising(rows));
      assert.deepEqual(walk(7).map((row) => row.slice(1)), rows.map((row) => row.slice(1)));
      const end = rows.at(-1)!;
      for (let i = 1; i < rows.length; i++) {
        // A box whose sides are both large would be a turn nobody was told of.
        const [dx, dy] = [1, 3].map((field) => (rows[i]![field]! - rows[i - 1]![field]!) / (end[field]! + 1e5));
        assert.ok(Math.min(dx!, dy!) < 0.15, `${dx} ${dy}`);
      }
    }), { numRuns: 15 }));
});
