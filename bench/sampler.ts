import { mkdtemp, rm } from 'node:fs/promises';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { buildBusyboxImage, createContainerEngine, createImageStore, type SamplingStats } from '../src/executor/index.ts';
import { parseJobSpec } from '../src/protocol/index.ts';
import type { Benchmark } from './benchmark.ts';
import { table } from './statistics.ts';

const SECONDS = 10;

/** The sampler under load: as many busy loops as cores, and a pipeline of short-lived processes. */
export const sampler: Benchmark = async (say) => {
  const dir = await mkdtemp(join(tmpdir(), 'gadus-bench-'));
  try {
    const images = await createImageStore({ dir: join(dir, 'images') });
    await buildBusyboxImage({ out: join(dir, 'busybox.tar') });
    await images.unpack('busybox', join(dir, 'busybox.tar'), {});
    const engine = createContainerEngine({ stateDir: join(dir, 'engine') });
    const cores = availableParallelism();
    const loops = Array.from({ length: cores }, () => 'while :; do :; done &').join(' ');
    const workloads: Record<string, string> = {
      'all cores busy': `${loops} sleep ${SECONDS}; kill $(jobs -p)`,
      'short-lived processes': `end=$(( $(date +%s) + ${SECONDS} )); while [ $(date +%s) -lt $end ]; do cat /bin/busybox | sha256sum >/dev/null; done`,
    };
    const rows: ({ workload: string; wallMs: number; cpuShare: number } & SamplingStats)[] = [];
    for (const [workload, script] of Object.entries(workloads)) {
      const run = await engine.run({
        id: `bench-${rows.length}`, rootfs: images.rootfs('busybox'), inputs: [], sampleIntervalMs: 20,
        spec: parseJobSpec({ command: ['sh', '-c', script], resources: { cpus: cores, timeoutMs: '60s' } }),
      });
      const wallMs = run.trace.t.at(-1)!;
      rows.push({ workload, wallMs, cpuShare: run.sampling.cpuNs / 1e6 / wallMs, ...run.sampling });
      await run.release();
    }
    say(table(['workload', 'samples', 'lost', 'jitter p99 ms', 'CPU share of a core'], rows.map((row) => [
      row.workload, row.samples, row.lost, row.jitterP99Ms.toFixed(2), `${(row.cpuShare * 100).toFixed(2)} %`])));
    return { rows, cpuShare: Math.max(...rows.map((row) => row.cpuShare)), goalCpuShare: 0.01 };
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
};
