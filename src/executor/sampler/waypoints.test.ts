import assert from 'node:assert/strict';
import { closeSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, describe, it } from 'node:test';
import fc from 'fast-check';
import { COUNTS_BYTES, RUNTIME_CHANNELS } from './runtime-counts.ts';
import type { Sampling } from './sampler-protocol.ts';
import { alongWaypoints, MAX_WAYPOINTS, readWaypoints, type Waypoint } from './waypoints.ts';

const stats = { cpuNs: 0, samples: 0, lost: 0, jitterP99Ms: 0 };
/** What a sampler that looked at these moments of a way has. */
const sampled = (way: readonly Waypoint[], startedMs = 1000): Sampling => ({
  startedMs, intervalMs: 20, t: Float64Array.from(way, (state) => state[0]! - startedMs), stats,
  channels: { cpuNs: Float64Array.from(way, (_, i) => i * 1e6), ...Object.fromEntries(RUNTIME_CHANNELS.map((name, k) => [name, Float64Array.from(way, (state) => state[k + 1]!)])) },
});
const start = Float64Array.of(1000, 0, 65_536, 0, 0, 0, 0);
/** Reads all, computes, writes all: three straight parts. */
const way: Waypoint[] = [start, Float64Array.of(1001, 10, 65_536, 4e6, 0, 1, 0), Float64Array.of(1050, 5e6, 65_536, 4e6, 0, 1, 0), Float64Array.of(1051, 5e6, 65_536, 4e6, 4e6, 1, 1), Float64Array.of(1060, 5e6 + 5, 65_536, 4e6, 4e6, 1, 1)];
const at = (share: number): Waypoint => {
  const position = share * (way.length - 1);
  const i = Math.min(Math.floor(position), way.length - 2);
  return way[i]!.map((value, field) => value + (position - i) * (way[i + 1]![field]! - value));
};

describe('waypoints', () => {
  it('are on a run\'s way whenever it was sampled, each once', () => fc.assert(fc.property(
    fc.array(fc.double({ min: 0.01, max: 0.99, noNaN: true }), { maxLength: 30 }), (shares) => {
      const samples = sampled([start, ...shares.toSorted((a, b) => a - b).map(at), way.at(-1)!]);
      const { t, channels } = alongWaypoints(samples, way.slice(1));
      for (let i = 1; i < t.length; i++) assert.ok(t[i]! > t[i - 1]!);
      for (const name of RUNTIME_CHANNELS) for (let i = 1; i < t.length; i++) assert.ok(channels[name]![i]! >= channels[name]![i - 1]!, name);
      const rows = Array.from(t, (_, i) => RUNTIME_CHANNELS.map((name) => channels[name]![i]!));
      for (const turn of way) assert.ok(rows.some((row) => row.every((value, k) => value === turn[k + 1])), 'every turn is on the way');
      assert.ok(t.length <= way.length + shares.length, 'none is there twice');
    })));

  it('are not needed to be in time: what had been done decides, the last sample stays the last, and other channels keep their samples', () => {
    const samples = sampled([start, way[4]!], 1059);
    const { t, channels } = alongWaypoints({ ...samples, t: Float64Array.of(0, 1) }, way.slice(1));
    assert.deepEqual([...t], [0, 0.001, 0.002, 0.003, 1]);
    assert.deepEqual([...channels.instructions!], [0, 10, 5e6, 5e6, 5e6 + 5]);
    assert.deepEqual([...channels.cpuNs!], [0, 0, 0, 0, 1e6]);
  });

  it('beyond the exact end, or of an unknown clock, are left out', () => {
    const samples = sampled([start, way[2]!]);
    assert.deepEqual([...alongWaypoints(samples, way.slice(1)).channels.writtenBytes!], [0, 0, 0]);
    const { startedMs: _, ...unknown } = samples;
    assert.equal(alongWaypoints(unknown, way).t.length, 2);
  });

  describe('in a file', () => {
    const directory = mkdtempSync(path.join(tmpdir(), 'gadus-waypoints-'));
    const fd = openSync(path.join(directory, 'counter'), 'w+');
    after(() => {
      closeSync(fd);
      rmSync(directory, { recursive: true });
    });
    const write = (...words: number[]) => writeSync(fd, new Uint8Array(Float64Array.from(words).buffer), 0, 8 * words.length, COUNTS_BYTES);

    it('are read as they are, and not at all where they are no way', () => {
      assert.deepEqual(readWaypoints(fd), []);
      write(2, ...way[1]!, ...way[2]!);
      assert.deepEqual(readWaypoints(fd), [way[1], way[2]]);
      for (const words of [[2, ...way[2]!, ...way[1]!], [1, 1, -1, 0, 0, 0, 0, 0], [1, 1, Number.NaN, 0, 0, 0, 0, 0], [-1], [0.5], [MAX_WAYPOINTS + 1], [MAX_WAYPOINTS]]) {
        write(...words);
        assert.deepEqual(readWaypoints(fd), [], String(words));
      }
    });
  });
});
