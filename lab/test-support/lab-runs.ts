import { runProfile, runTrace } from '../../src/evidence/test-support/run.ts';
import { randomOf, seedOf } from '../corpus/inputs/random.ts';
import type { LabRun } from '../corpus/lab-run.ts';
import { jitter } from '../attackers/tools/jitter.ts';

const INPUT_BYTES = 6_000_000;

/** What a made-up program does with each byte of its input, for tests of the laboratory itself. */
interface ProgramShape { cpuSeconds: number; peakBytes: number; readBytes: number; writtenBytes: number; faults: number; bend: number }

const SHAPES: Record<string, ProgramShape> = {
  sorter: { cpuSeconds: 4, peakBytes: 200e6, readBytes: 60e6, writtenBytes: 60e6, faults: 50_000, bend: 1 },
  packer: { cpuSeconds: 8, peakBytes: 20e6, readBytes: 90e6, writtenBytes: 20e6, faults: 5_000, bend: 2 },
  counter: { cpuSeconds: 2, peakBytes: 90e6, readBytes: 30e6, writtenBytes: 1e6, faults: 20_000, bend: 0.5 },
};

/** A made-up run: a trace that follows the program's shape, with honest noise of its own. */
export function labRun({ program = 'sorter', n = 0, seed = 1, fraction = 1, work = 1, deterministic = true, cpuPercent = 100 }: {
  program?: string; n?: number; seed?: number; fraction?: number; work?: number; deterministic?: boolean; cpuPercent?: number;
} = {}): LabRun {
  const shape = SHAPES[program] ?? SHAPES['sorter']!;
  const id = `${program}.container.${seed}-${fraction}-${work}-${n}`;
  const random = randomOf(seedOf(id));
  const samples = Math.round((shape.cpuSeconds * 50 * fraction * (1 + work)) / 2 / (cpuPercent / 100));
  const trace = runTrace({
    samples, cpuSeconds: shape.cpuSeconds * fraction * work, peakBytes: shape.peakBytes * (program === 'sorter' ? fraction : 1), readBytes: shape.readBytes * fraction,
    writtenBytes: shape.writtenBytes * fraction * work, faults: shape.faults * fraction, memory: (done) => done ** shape.bend,
  });
  for (const calls of ['readCalls', 'writeCalls'] as const) trace.channels[calls] = trace.channels[calls]!.map((count) => count * fraction);
  const result = deterministic ? seedOf(program, seed, fraction, work) : seedOf(id);
  const bytes = Math.round(1_000_000 * fraction * work);
  const profile = runProfile({ bytes });
  return {
    version: 2, id, program, kind: 'made up', deterministic,
    input: { seed, bytes: Math.round(INPUT_BYTES * fraction), fraction }, work,
    condition: { cpuPercent, neighbours: 0, memory: 'ample', cache: 'warm', intervalMs: 20, engine: 'container' },
    trace: jitter(trace, random, { time: 0.3, steps: 0.3, totals: 1 }),
    profile: { ...profile, content: profile.content.map((_, bin) => seedOf(result, bin) >>> 6) },
    written: { t: trace.t.filter((_, i) => i % 4 === 3 || i === trace.t.length - 1), files: [{ path: 'outputs/a', lengths: trace.t.filter((_, i) => i % 4 === 3 || i === trace.t.length - 1).map((ms) => Math.round((bytes * ms) / trace.t.at(-1)!)) }] },
    words: profile.content.map((_, bin) => seedOf(result, bin) >>> 6), loopNs: 1_000_000,
    resultDigest: `0x${result.toString(16).padStart(64, '0')}`,
    outputBytes: bytes, exitCode: 0, recordedAt: '2026-01-01T00:00:00Z', machine: 'made up',
  };
}

/** A small corpus of made-up programs with every variant a cheat may want. */
export function labCorpus(honest = 8): LabRun[] {
  return Object.keys(SHAPES).flatMap((program) => {
    const deterministic = program !== 'counter';
    const run = (extra: Parameters<typeof labRun>[0]) => labRun({ program, deterministic, ...extra });
    const twice = (extra: Parameters<typeof labRun>[0]) => [run({ ...extra, n: 0 }), run({ ...extra, n: 1 })];
    return [
      ...Array.from({ length: honest }, (_, n) => run({ n, cpuPercent: n % 3 === 2 ? 50 : 100 })),
      run({ seed: 2 }), run({ seed: 3 }),
      ...[0.5, 0.9, 0.99].flatMap((fraction) => twice({ fraction })), ...[0.5, 0.9].flatMap((work) => twice({ work })),
    ];
  });
}
