import * as fc from 'fast-check';
import { bytesToHex, keccak256, numberToHex, type Hex } from 'viem';
import { CHANNELS, type ChannelName, type Evidence, type OutputProfile, type Trace } from '../../protocol/trace/trace.ts';
import { CONTENT_BINS, PROFILE_BINS, PROFILE_SEGMENTS } from '../constants.ts';
import { NO_CHUNK } from '../fingerprint/content-minima.ts';
import { fingerprintOf } from '../fingerprint/fingerprint.ts';
import { sketchOf } from '../fingerprint/sketch.ts';
import type { OutputHistory } from '../windows/output-history.ts';
import { windowsOf } from '../windows/windows-of.ts';

/** What a synthetic run does, for tests that need a plausible trace. */
export interface RunShape {
  samples?: number;
  intervalMs?: number;
  cpuSeconds?: number;
  peakBytes?: number;
  readBytes?: number;
  writtenBytes?: number;
  faults?: number;
  /** Position in time (0 to 1) -> share of the work done, ascending from 0 to 1. */
  progress?: (time: number) => number;
  /** Share of the work done -> share of the peak memory. */
  memory?: (work: number) => number;
}

/** A trace whose counters rise with the work done and whose memory follows it. */
export function runTrace(shape: RunShape = {}): Trace {
  const { samples = 500, intervalMs = 20, progress = (time) => time, memory = (work) => work } = shape;
  const work = Float64Array.from({ length: samples }, (_, i) => (samples === 1 ? 0 : progress(i / (samples - 1))));
  const counter = (total: number) => work.map((share) => Math.round(share * total));
  return {
    version: 1, engine: 'container', intervalMs,
    t: Float64Array.from({ length: samples }, (_, i) => i * intervalMs),
    channels: {
      cpuNs: counter((shape.cpuSeconds ?? 8) * 1e9),
      residentBytes: work.map((share) => Math.round(memory(share) * (shape.peakBytes ?? 256 * 2 ** 20))),
      cacheBytes: work.map((share) => Math.round(share * 1e8)),
      minorFaults: counter(shape.faults ?? 60_000),
      readBytes: counter(shape.readBytes ?? 200e6),
      writtenBytes: counter(shape.writtenBytes ?? 100e6),
      readCalls: counter(3000),
      writeCalls: counter(1500),
    },
  };
}

/** The profile of `bytes` bytes that take each of the first `values` byte values equally often, in chunks that `content` stands for. */
export function runProfile({ bytes = 1_000_000, values = 64, content = 7 }: { bytes?: number; values?: number; content?: number } = {}): OutputProfile {
  const entropy = new Float64Array(PROFILE_SEGMENTS);
  const histogram = new Float64Array(PROFILE_SEGMENTS * PROFILE_BINS);
  if (bytes >= PROFILE_SEGMENTS) {
    entropy.fill(Math.log2(values));
    for (let segment = 0; segment < PROFILE_SEGMENTS; segment++) {
      for (let value = 0; value < values; value++) histogram[segment * PROFILE_BINS + (value >> 4)]! += 1 / values;
    }
  }
  return { version: 1, bytes, files: 1, entropy, histogram, content: new Uint32Array(CONTENT_BINS).fill(bytes === 0 ? NO_CHUNK : content) };
}

/** An output of one file, `stdout`, that grew evenly and was noted at every tenth of the run; its hashes are made up of the length. */
export function runOutput(trace: Trace, { bytes }: Pick<OutputProfile, 'bytes'>): OutputHistory {
  const end = trace.t.at(-1)!;
  const shares = Array.from({ length: 10 }, (_, i) => (i + 1) / 10);
  const lengths = Float64Array.from(shares, (share) => Math.round(share * bytes));
  return {
    t: Float64Array.from(shares, (share) => share * end), noted: true, others: { files: 0, bytes: 0 },
    files: [{ path: 'stdout', lengths, hashes: Array.from(lengths, (length) => keccak256(numberToHex(length))) }],
  };
}

/** Evidence of a run, whose sketch is its own. */
export function runEvidence(trace = runTrace(), profile = runProfile(), overrides: Partial<Evidence> = {}): Evidence {
  return {
    version: 2,
    jobId: `0x${'11'.repeat(32)}`,
    node: '0x70997970C51812dc3A010C7d01b50e0d17dc79C8',
    resultCid: 'bafkreihdwdcefgh4dqkjv67uzcmw7ojee6xedzdetojuzjevtenxquvyku',
    exitCode: 0, ended: 'exit', trace, profile, windowRoot: windowsOf({ trace, output: runOutput(trace, profile) }).root,
    sketch: bytesToHex(sketchOf(fingerprintOf(trace, profile))) as Hex,
    environment: { engine: 'container', runtime: 'runc 1.1.5', kernel: '6.1.0', cpu: 'test', cores: 2, cgroup: 'v2', gadus: '0.1.0' },
    ...overrides,
  };
}

/** Any valid trace, from one sample up. */
export const anyTrace: fc.Arbitrary<Trace> = fc.record({
  steps: fc.array(fc.record({ dt: fc.double({ min: 0.001, max: 1e5, noNaN: true }), grow: fc.double({ min: 0, max: 1e12, noNaN: true }), level: fc.nat() }), { maxLength: 40 }),
  whole: fc.boolean(),
  names: fc.uniqueArray(fc.constantFrom(...(Object.keys(CHANNELS) as ChannelName[]))),
}).map(({ steps, whole, names }) => {
  const cumulate = (pick: (step: { dt: number; grow: number }) => number) => {
    let sum = 0;
    return Float64Array.from([0, ...steps.map((step) => (sum += pick(step)))]);
  };
  const grow = cumulate((step) => (whole ? Math.round(step.grow) : step.grow));
  const level = Float64Array.from([0, ...steps.map((step) => step.level)]);
  return {
    version: 1, engine: 'container', intervalMs: 20, t: cumulate((step) => step.dt),
    channels: Object.fromEntries(names.map((name) => [name, CHANNELS[name].kind === 'counter' ? grow : level])),
  };
});
