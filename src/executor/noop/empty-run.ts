import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Engine, RunResult } from '../engine.ts';
import { environment } from '../environment.ts';

/** Exit code of a job that no machine can run, as container runtimes have it: 126 and 127 are about the command, this is about what comes before it. */
export const UNUSABLE_EXIT_CODE = 125;

export interface EmptyRunInit {
  engine: Engine['name'];
  exitCode: number;
  /** What stderr says. */
  stderr: string;
  sampleIntervalMs: number;
}

/** What a run leaves in which nothing was run: no output, a trace of two samples in which no time was used, the same on every machine. */
export async function emptyRun({ engine, exitCode, stderr, sampleIntervalMs }: EmptyRunInit): Promise<RunResult> {
  const directory = await mkdtemp(path.join(tmpdir(), 'gadus-empty-'));
  const stdoutPath = path.join(directory, 'stdout');
  const stderrPath = path.join(directory, 'stderr');
  await Promise.all([writeFile(stdoutPath, ''), writeFile(stderrPath, stderr)]);
  return {
    exitCode,
    ended: 'exit',
    trace: { version: 1, engine, intervalMs: sampleIntervalMs, t: Float64Array.of(0, sampleIntervalMs), channels: { cpuNs: Float64Array.of(0, 0) } },
    outputs: [],
    stdoutPath,
    stderrPath,
    environment: environment(engine, 'none', 'none'),
    sampling: { cpuNs: 0, samples: 2, lost: 0, jitterP99Ms: 0 },
    notes: [],
    release: () => rm(directory, { recursive: true, force: true }),
  };
}
