import type { LabRun } from './lab-run.ts';
import { readRuns, writeRuns } from './run-store.ts';

/** Programs of the sample: one of each main kind of work, a short one, a waiting one, three whose output is never the same twice, and two in WebAssembly. */
export const SAMPLE_PROGRAMS = [
  'unzip-sed', 'sort-csv', 'gzip', 'zstd-threads', 'hash-rounds-small', 'sqlite-report', 'python-json', 'matrix-product', 'mandelbrot', 'gcc', 'sleeper',
  'k-means', 'monte-carlo', 'xargs-race', 'wasm-hash-rounds', 'wasm-monte-carlo',
] as const;
/** Runs of the right input, and of each other variant, that the sample keeps of a job. */
export const SAMPLE_HONEST_RUNS = 10;
export const SAMPLE_VARIANT_RUNS = 2;

/**
 * Chooses a small part of a corpus: whole runs as they were recorded, one file for each program, the first ones of each variant.
 *
 * @returns runs kept
 * @throws LabError RUNS_MALFORMED
 */
export async function sample({ from, to }: { from: string; to: string }): Promise<number> {
  const kept = new Map<string, LabRun[]>(SAMPLE_PROGRAMS.map((name) => [name, []]));
  const taken = new Map<string, number>();
  for await (const run of readRuns(from)) {
    const variant = run.id.replace(/-\d+$/, '');
    const count = taken.get(variant) ?? 0;
    if (!kept.has(run.program) || count >= (variant.endsWith('.honest') ? SAMPLE_HONEST_RUNS : SAMPLE_VARIANT_RUNS)) continue;
    taken.set(variant, count + 1);
    kept.get(run.program)!.push(run);
  }
  let total = 0;
  for (const [program, runs] of kept) {
    if (runs.length === 0) continue;
    await writeRuns(to, program, runs);
    total += runs.length;
  }
  return total;
}
