import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import { compareFingerprints } from './compare-fingerprints.ts';
import { BLOCKS, FEATURES, SKETCH_BYTES, SKETCH_THRESHOLD } from '../constants.ts';
import { fingerprintOf } from './fingerprint.ts';
import { SKETCH_BLOCKS, sketchDistance } from './sketch-distance.ts';
import { sketchOf } from './sketch.ts';
import { anyTrace, runProfile, runTrace, type RunShape } from '../test-support/run.ts';

const print = (shape: RunShape = {}, profile = runProfile()) => fingerprintOf(runTrace(shape), profile);
const distance = (a: RunShape, b: RunShape) => compareFingerprints(print(a), print(b)).distance;

describe('fingerprint', () => {
  it('has a finite number for every channel seen, and a sketch, for every trace', () => fc.assert(fc.property(anyTrace, (trace) => {
    const fingerprint = fingerprintOf(trace, runProfile());
    assert.equal(fingerprint.features.length, FEATURES);
    assert.ok(fingerprint.features.every((value) => Number.isNaN(value) || (Number.isFinite(value) && value >= 0)));
    assert.equal(sketchOf(fingerprint).length, SKETCH_BYTES);
    assert.equal(compareFingerprints(fingerprint, fingerprint).distance, 0);
  })));

  it('does not see wall time, pauses or a busy machine', () => {
    const paused = (time: number) => (time < 0.3 ? time : time < 0.8 ? 0.3 : 0.3 + (time - 0.8) * 3.5);
    assert.ok(distance({}, { samples: 2500 }) < 0.1);
    assert.ok(distance({}, { samples: 2000, progress: (time) => Math.min(1, paused(time)) }) < 0.2);
    assert.ok(distance({}, { samples: 1000, progress: (time) => time ** 2 }) < 0.2);
  });

  it('does not see page cache and major faults', () => {
    const cold = runTrace();
    cold.channels.cacheBytes!.fill(1e9);
    cold.channels.majorFaults = cold.channels.minorFaults!.map((n) => n * 3);
    assert.equal(compareFingerprints(print(), fingerprintOf(cold, runProfile())).distance, 0);
  });

  it('sees half and nine tenths of the work, an idle run, another memory use, another output', () => {
    const part = (share: number): RunShape => ({ readBytes: 200e6 * share, writtenBytes: 100e6 * share, cpuSeconds: 8 * share, faults: 60_000 * share });
    assert.ok(distance({}, part(0.5)) > 5);
    assert.ok(distance({}, part(0.9)) > 1.5);
    assert.ok(distance({}, { ...part(0), peakBytes: 1e6 }) > 20);
    assert.ok(distance({}, { peakBytes: 64 * 2 ** 20 }) > 3);
    assert.ok(compareFingerprints(print(), print({}, runProfile({ values: 16 }))).distance > 3);
    assert.ok(compareFingerprints(print(), print({}, runProfile({ bytes: 500_000 }))).distance > 3);
  });

  it('sees equal totals in another order: a reversed and a flat trace', () => {
    const rise: RunShape = { memory: (work) => work };
    assert.ok(distance(rise, { memory: (work) => 1 - work }) > 1.5);
    assert.ok(distance({ memory: (work) => (work < 0.1 ? 1 : 0.05) }, { memory: () => 1 }) > 1.5);
  });

  it('goes by instructions where they are counted, and leaves the runtime\'s page faults and CPU time out', () => {
    const module = (instructions: number, shape: RunShape = {}) => {
      const trace = runTrace(shape);
      trace.channels.instructions = trace.channels.readBytes!.map((bytes) => (bytes / trace.channels.readBytes!.at(-1)!) * instructions);
      return fingerprintOf(trace, runProfile());
    };
    const whole = module(1e9);
    assert.ok(compareFingerprints(whole, module(1e9, { faults: 600_000, cpuSeconds: 12 })).distance === 0);
    assert.ok(compareFingerprints(whole, module(0.9e9)).distance > 5);
    assert.ok(!compareFingerprints(whole, whole).blocks.some(({ name }) => /^(page faults|CPU time)/.test(name)));
  });

  it('tolerates CPU time 40 % apart', () => assert.ok(distance({ cpuSeconds: 5 }, { cpuSeconds: 7 }) < 0.8));

  it('skips a channel that one engine cannot see, but not most of them', () => {
    const blind = runTrace();
    delete blind.channels.residentBytes;
    const sighted = print();
    assert.equal(compareFingerprints(sighted, fingerprintOf(blind, runProfile())).distance, 0);
    assert.equal(compareFingerprints(sighted, fingerprintOf({ ...blind, channels: {} }, runProfile())).distance, Infinity);
    assert.equal(sketchDistance(sketchOf(sighted), sketchOf(fingerprintOf({ ...blind, channels: {} }, runProfile()))).distance, Infinity);
  });

  it('goes by CPU time in user mode where it is known', () => {
    const whole = runTrace();
    const { cpuNs } = whole.channels;
    // The kernel reclaims memory on the job's account: eight times its CPU time, and none of its doing.
    const thrashing = { ...whole, channels: { ...whole.channels, cpuNs: cpuNs!.map((ns) => ns * 8), cpuUserNs: cpuNs! } };
    assert.ok(compareFingerprints(fingerprintOf(whole), fingerprintOf(thrashing)).distance < 1e-6);
  });

  it('does not tell two samplings of one run apart', () => {
    const whole = runTrace({ samples: 200 });
    const every = (step: number) => {
      const kept = (series: Float64Array) => series.filter((_, i) => i % step === 0 || i === series.length - 1);
      return { ...whole, t: kept(whole.t), channels: Object.fromEntries(Object.entries(whole.channels).map(([name, series]) => [name, kept(series)])) };
    };
    for (const step of [2, 5, 20]) assert.ok(compareFingerprints(fingerprintOf(whole), fingerprintOf(every(step))).distance < 0.2, String(step));
  });

  it('is what the sketch says, but for rounding', () => fc.assert(fc.property(
    fc.record({ readBytes: fc.integer({ min: 0, max: 1e9 }), peakBytes: fc.integer({ min: 0, max: 1e9 }), cpuSeconds: fc.double({ min: 0, max: 100, noNaN: true }), faults: fc.nat(1e6) }),
    (shape) => {
      const [a, b] = [print(), print(shape)];
      const exact = compareFingerprints(a, b).distance;
      // Half a step of each side at the finest tolerance, the thousandth that the sketch rounds down, and the tolerances' own rounding (10.24 steps are 10).
      const rounding = 1 / Math.min(...SKETCH_BLOCKS.map(({ tolerance }) => tolerance)) + 1 / SKETCH_THRESHOLD;
      assert.ok(Math.abs(exact - sketchDistance(sketchOf(a), sketchOf(b)).distance / SKETCH_THRESHOLD) <= rounding + exact * 0.03);
    },
  )));

  it('of an hour at 20 ms is as large as that of a second, so that two are compared as fast', () => {
    const sizes = ({ features, content, ...rest }: ReturnType<typeof print>) => [features.length, content?.length, rest];
    assert.deepEqual(sizes(print({ samples: 180_000 })), sizes(print({ samples: 50 })));
  });

  it('names every block once', () => assert.equal(new Set(BLOCKS.map((block) => block.name)).size, BLOCKS.length));
});
