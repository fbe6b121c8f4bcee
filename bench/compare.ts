import { compareFingerprints, fingerprintOf, sketchDistance, sketchOf } from '../src/evidence/index.ts';
import type { Trace } from '../src/protocol/index.ts';
import type { Benchmark } from './benchmark.ts';
import { quantile, table } from './statistics.ts';

const HOUR_SAMPLES = 180_000;
const RUNS = 30;

/** An hour at 20 ms: fingerprints once, then pairs. */
export const compare: Benchmark = async (say) => {
  const [a, b] = [hourTrace(1), hourTrace(2)];
  const time = <T>(work: () => T): [number, T] => {
    const started = performance.now();
    const value = work();
    return [performance.now() - started, value];
  };
  const [prints, pairs, sketches, sketchPairs] = [[], [], [], []] as number[][];
  for (let i = 0; i < RUNS; i++) {
    const [fingerprintMs, fa] = time(() => fingerprintOf(a));
    const fb = fingerprintOf(b);
    const [sketchMs, sa] = time(() => sketchOf(fa));
    const sb = sketchOf(fb);
    prints!.push(fingerprintMs);
    sketches!.push(sketchMs);
    pairs!.push(time(() => compareFingerprints(fa, fb))[0]);
    sketchPairs!.push(time(() => sketchDistance(sa, sb))[0]);
  }
  const rows = ([['fingerprint of one trace', prints], ['compare a pair', pairs], ['sketch of one trace', sketches], ['compare a pair of sketches', sketchPairs]] as const)
    .map(([what, values]) => ({ what, p50Ms: quantile(values!, 0.5), p95Ms: quantile(values!, 0.95) }));
  say(table(['an hour at 20 ms', 'p50 ms', 'p95 ms'], rows.map((row) => [row.what, row.p50Ms.toFixed(3), row.p95Ms.toFixed(3)])));
  return { samples: HOUR_SAMPLES, rows, pairP50Ms: rows[1]!.p50Ms, fullPairP50Ms: 2 * rows[0]!.p50Ms + rows[1]!.p50Ms, goalMs: 5 };
};

/** A made-up but plausible hour of work: what is measured is time, not meaning. */
function hourTrace(seed: number): Trace {
  let state = seed;
  const noise = () => { state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0; return state / 2 ** 32; };
  const t = Float64Array.from({ length: HOUR_SAMPLES }, (_, i) => i * 20);
  const counter = (rate: number) => {
    let sum = 0;
    return Float64Array.from(t, (_, i) => (i === 0 ? 0 : (sum += Math.round(rate * (0.5 + noise())))));
  };
  const level = (value: number) => Float64Array.from(t, (_, i) => Math.round(value * (1 + 0.2 * Math.sin(i / 5000) + 0.01 * noise())));
  return {
    version: 1, engine: 'container', intervalMs: 20, t,
    channels: {
      cpuNs: counter(1.5e7), cpuUserNs: counter(1.2e7), cpuSystemNs: counter(3e6), residentBytes: level(2e8), cacheBytes: level(4e8),
      minorFaults: counter(40), majorFaults: counter(0.1), readBytes: counter(2e6), writtenBytes: counter(1e6), readCalls: counter(60), writeCalls: counter(30),
      contextSwitches: counter(10), processes: level(4), outputBytes: counter(1e5),
    },
  };
}
