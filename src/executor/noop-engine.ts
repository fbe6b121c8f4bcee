import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { grantedEndpoints } from './egress/network-rules.ts';
import type { Engine, RunResult } from './engine.ts';
import { environment } from './environment.ts';
import { aborted } from './errors.ts';

/** An engine that runs nothing, for measuring everything around a job: exit code 0, no output, a trace of two samples. */
export function createNoopEngine(): Engine {
  return {
    name: 'noop',
    probe: () => Promise.resolve({
      name: 'noop', ok: true, runtime: 'none', version: '', isolation: 'nothing is run', channels: ['cpuNs'], problems: [],
    }),
    sweep: () => Promise.resolve(),
    async run({ spec, sampleIntervalMs, onStart, signal }): Promise<RunResult> {
      if (signal?.aborted) throw aborted(signal);
      grantedEndpoints(spec, 'noop', undefined);
      const directory = await mkdtemp(path.join(tmpdir(), 'gadus-noop-'));
      const stdoutPath = path.join(directory, 'stdout');
      const stderrPath = path.join(directory, 'stderr');
      await Promise.all([writeFile(stdoutPath, ''), writeFile(stderrPath, '')]);
      onStart?.();
      return {
        exitCode: 0,
        ended: 'exit',
        trace: {
          version: 1, engine: 'noop', intervalMs: sampleIntervalMs,
          t: Float64Array.of(0, sampleIntervalMs), channels: { cpuNs: Float64Array.of(0, 0) },
        },
        outputs: [],
        stdoutPath,
        stderrPath,
        environment: environment('noop', 'none', 'none'),
        sampling: { cpuNs: 0, samples: 2, lost: 0, jitterP99Ms: 0 },
        notes: [],
        release: () => rm(directory, { recursive: true, force: true }),
      };
    },
  };
}
