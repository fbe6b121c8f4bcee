import { grantedEndpoints } from '../egress/network-rules.ts';
import { emptyRun } from './empty-run.ts';
import type { Engine, RunResult } from '../engine.ts';
import { aborted } from '../errors.ts';

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
      onStart?.();
      return emptyRun({ engine: 'noop', exitCode: 0, stderr: '', sampleIntervalMs });
    },
  };
}
