import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Series } from './series.ts';

const series = (limit = 1 << 20) => new Series({ names: ['cpuNs', 'processes', 'outputBytes'], intervalMs: 20, limit });

test('counters start at 0 and never fall; levels are absolute unless said otherwise', () => {
  const s = series();
  s.start(Float64Array.of(100, 5, 1000), ['outputBytes']);
  s.push(20, Float64Array.of(150, 7, 1500));
  s.push(40, Float64Array.of(120, 3, 900));
  s.push(60, Float64Array.of(170, 4, 2000));
  const { t, channels } = s.take();
  assert.deepEqual([...t], [0, 20, 40, 60]);
  assert.deepEqual([...channels.cpuNs!], [0, 50, 50, 70]);
  assert.deepEqual([...channels.processes!], [5, 7, 3, 4]);
  assert.deepEqual([...channels.outputBytes!], [0, 500, 0, 1000]);
});

test('shows its newest sample as it will be taken', () => {
  const s = series();
  s.start(Float64Array.of(100, 5, 1000), ['outputBytes']);
  s.push(20, Float64Array.of(150, 7, 1500));
  assert.deepEqual(s.last(), { t: 20, channels: { cpuNs: 50, processes: 7, outputBytes: 500 } });
  s.push(40, Float64Array.of(120, 3, 900));
  assert.deepEqual(s.last(), { t: 40, channels: { cpuNs: 50, processes: 3, outputBytes: 0 } });
});

test('time rises strictly, whatever the clock says', () => {
  const s = series();
  s.start(new Float64Array(3));
  for (const t of [0, 0, -1, 5]) s.push(t, new Float64Array(3));
  const { t } = s.take();
  assert.ok(t.every((value, i) => i === 0 || value > t[i - 1]!));
});

test('grows', () => {
  const s = series();
  s.start(new Float64Array(3));
  for (let i = 1; i < 5000; i++) s.push(i * 20, Float64Array.of(i, 0, 0));
  const { t, channels } = s.take();
  assert.deepEqual([t.length, t.at(-1), channels.cpuNs!.at(-1)], [5000, 4999 * 20, 4999]);
});

test('halves its resolution instead of growing beyond its limit', () => {
  const s = series(2048);
  s.start(new Float64Array(3));
  let ms = 0;
  while (ms < 200_000) {
    ms += s.intervalMs;
    s.push(ms, Float64Array.of(ms, 0, 0));
  }
  assert.equal(s.intervalMs, 160);
  const { t, channels } = s.take();
  assert.ok(t.length <= 2048);
  assert.equal(t[0], 0);
  assert.ok(t.at(-1)! >= 200_000);
  assert.deepEqual(t, channels.cpuNs);
});
