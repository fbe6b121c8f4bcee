import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import type { Trace } from '../../protocol/trace/trace.ts';
import { copiesAmong, likeness } from './copies.ts';
import { pathResidual } from './path-residual.ts';
import { stepCorrelation } from './step-correlation.ts';

/** A run whose pace wanders as a machine's does: other noise for another seed, the same work. */
function run(seed: number, samples = 60): Trace {
  let state = seed;
  const noise = () => (state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0) / 2 ** 32;
  const walk = (wander: number) => {
    let pace = 1;
    const series = new Float64Array(samples);
    for (let i = 1; i < samples; i++) {
      pace = Math.min(Math.max(pace + wander * (noise() - 0.5), 0.2), 3);
      series[i] = series[i - 1]! + pace * (0.5 + noise());
    }
    return series;
  };
  return { version: 1, engine: 'test', intervalMs: 20, t: walk(0.3).map((x) => x * 20), channels: { cpuUserNs: walk(0.5).map((x) => x * 1e7), readBytes: walk(0.5).map((x) => x * 1e5), minorFaults: walk(0.8) } };
}

const map = (trace: Trace, change: (series: Float64Array) => Float64Array): Trace => (
  { ...trace, t: change(trace.t), channels: Object.fromEntries(Object.entries(trace.channels).map(([name, series]) => [name, change(series)])) });
/** Every second sample moved half a step towards the next: another sampling of the same run. */
const resampled = (trace: Trace) => map(trace, (series) => series.map((value, i) => (i % 2 === 1 && i + 1 < series.length ? (value + series[i + 1]!) / 2 : value)));
const stretched = (trace: Trace) => ({ ...trace, t: trace.t.map((ms) => ms * 1.7) });
const noisy = (trace: Trace) => {
  let k = 0;
  return map(trace, (series) => {
    const out = series.slice();
    for (let i = 1; i < out.length; i++) out[i] = out[i - 1]! + (series[i]! - series[i - 1]!) * (1 + 0.2 * Math.sin(12.9898 * ++k));
    return out;
  });
};

/** The first thirty samples come ever closer towards the start, from a sixteenth of the interval on. */
const closeAtFirst = (trace: Trace): Trace => {
  const steps = (i: number) => (i < 32 ? 2 ** (Math.floor(i / 8) - 4) : 1);
  return map(trace, (series) => {
    const out = series.slice();
    for (let i = 1; i < out.length; i++) out[i] = out[i - 1]! + (series[i]! - series[i - 1]!) * steps(i);
    return out;
  });
};
/** Every step of time and counters up to two fifths longer or shorter. */
const shaken = (trace: Trace): Trace => {
  let state = 7;
  const noise = () => (state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0) / 2 ** 32;
  return map(trace, (series) => {
    const out = series.slice();
    for (let i = 1; i < out.length; i++) out[i] = out[i - 1]! + (series[i]! - series[i - 1]!) * (0.6 + 0.8 * noise());
    return out;
  });
};

/** Means over some samples on either side that weigh less the farther they are, in whole counts: not one of the smoothings that are looked at. */
const smoothed = (trace: Trace, reach: number): Trace => ({
  ...trace, channels: Object.fromEntries(Object.entries(trace.channels).map(([name, series]) => [name, series.map((_, i) => {
    const near = Math.min(reach, i, series.length - 1 - i);
    let [sum, weights] = [0, 0];
    for (let k = -near; k <= near; k++) {
      const weight = near + 1 - Math.abs(k);
      sum += weight * series[i + k]!;
      weights += weight;
    }
    return Math.round(sum / weights);
  })])),
});

describe('copies', () => {
  it('are seen when exact, sampled anew, stretched, noisy, or smoothed', () => {
    const honest = run(1);
    for (const copy of [honest, resampled(honest), stretched(honest), noisy(honest)]) assert.ok(likeness(honest, copy) > 1);
    for (const reach of [1, 3, 6, 10]) {
      for (const copy of [smoothed(honest, reach), noisy(smoothed(honest, reach)), smoothed(resampled(honest), reach)]) {
        assert.ok(likeness(honest, copy) > 1, `over ${reach}`);
        assert.ok(likeness(copy, honest) > 1, `over ${reach}`);
      }
    }
  });

  it('are seen when noise moves which samples of a run that began with close ones lie an interval apart', () => {
    for (let seed = 1; seed < 20; seed++) assert.ok(likeness(closeAtFirst(run(seed)), shaken(closeAtFirst(run(seed)))) > 1, String(seed));
  });

  it('are not two honest runs, of as many samples or not', () => {
    for (let seed = 2; seed < 30; seed++) {
      assert.ok(likeness(closeAtFirst(run(1)), closeAtFirst(run(seed))) < 1, String(seed));
      assert.ok(likeness(run(1), run(seed)) < 1, String(seed));
      assert.ok(likeness(run(1), run(seed, 75)) < 1, String(seed));
      assert.ok(likeness(run(1), smoothed(run(seed), 4)) < 1, String(seed));
    }
  });

  it('are named by their places', () => assert.deepEqual(copiesAmong([run(1), run(2), resampled(run(1)), run(3)]), [[0, 2]]));

  it('are not claimed of runs too short to say', () => {
    const short = run(1, 4);
    assert.equal(pathResidual(short, short), undefined);
    assert.equal(stepCorrelation(short, short), undefined);
    assert.equal(likeness(short, short), 0);
    assert.equal(stepCorrelation(run(1), run(1, 61)), undefined);
  });

  it('are not two honest runs of a module, whose own counts are the same at the same moments of its work; and are copies of one all the same', () => {
    const counts = run(100, 200).channels.readBytes!;
    /** Looked at from outside at every tenth sample only; the module's counts are known at all of them. */
    const module = (seed: number): Trace => {
      const { t, channels } = run(seed, 200);
      const held = (series: Float64Array) => series.map((_, i) => series[i - (i % 10)]!);
      return { version: 1, engine: 'wasm', intervalMs: 20, t, channels: { instructions: counts, readBytes: counts, writtenBytes: counts, cpuUserNs: held(channels.cpuUserNs!), minorFaults: held(channels.minorFaults!) } };
    };
    for (let seed = 2; seed < 30; seed++) assert.ok(likeness(module(1), module(seed)) < 1, String(seed));
    for (const copy of [module(1), stretched(module(1)), noisy(module(1))]) assert.ok(likeness(module(1), copy) > 1);
  });

  it('are measured alike from both sides, for whatever counters', () => fc.assert(fc.property(fc.integer({ min: 1, max: 1e6 }), fc.integer({ min: 1, max: 1e6 }), fc.boolean(), (x, y, idle) => {
    const [a, b] = [run(x), run(y, 40)];
    if (idle) a.channels.readBytes!.fill(0);
    assert.equal(pathResidual(a, b), pathResidual(b, a));
    assert.ok(Number.isFinite(likeness(a, b)));
  }), { numRuns: 30 }));
});
