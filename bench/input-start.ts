import { randomFillSync } from 'node:crypto';
import { mkdtemp, open, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { CID } from 'multiformats/cid';
import { buildBusyboxImage, createContainerEngine, createImageStore } from '../src/executor/index.ts';
import { parseJobSpec } from '../src/protocol/index.ts';
import { createStorage } from '../src/storage/index.ts';
import type { Benchmark } from './benchmark.ts';
import { quantile, table } from './statistics.ts';

const SIZES = { '10 MB': 10e6, '10 GB': 10e9 };
const RUNS = 15;
const WRITE_BYTES = 64 << 20;

/**
 * Time from a job's input CID to the end of a job that reads its first byte, for inputs referenced where they lie: how much of the bid's
 * input is here, the input made a path, the container started and ended, the input looked at again. Small and large take turns.
 */
export const inputStart: Benchmark = async (say) => {
  const dir = await mkdtemp(join(tmpdir(), 'gadus-bench-'));
  try {
    const images = createImageStore({ dir: join(dir, 'images') });
    await buildBusyboxImage({ out: join(dir, 'busybox.tar') });
    await images.unpack('busybox', join(dir, 'busybox.tar'), {});
    const engine = createContainerEngine({ stateDir: join(dir, 'engine') });
    const storage = await createStorage({}, { dir: join(dir, 'storage') });
    try {
      const inputs: { name: string; cid: CID; addMs: number; bytes: number; times: Record<'locality' | 'path' | 'job', number[]> }[] = [];
      for (const [name, bytes] of Object.entries(SIZES)) {
        const path = join(dir, name.replace(' ', ''));
        await writeRandom(path, bytes);
        const started = performance.now();
        const { cid } = await storage.add(path, { noCopy: true });
        inputs.push({ name, cid, bytes, addMs: performance.now() - started, times: { locality: [], path: [], job: [] } });
      }
      for (let run = 0; run <= RUNS; run++) {
        for (const { cid, times } of inputs) {
          const began = performance.now();
          const { share } = await storage.locality(cid);
          const located = performance.now();
          const input = await storage.materialise(cid);
          const there = performance.now();
          const result = await engine.run({
            id: `bench-${run}-${inputs.findIndex((one) => one.cid === cid)}`, rootfs: images.rootfs('busybox'), inputs: [{ path: input.path, target: '/inputs/data' }],
            sampleIntervalMs: 20, spec: parseJobSpec({ command: ['sh', '-c', 'head -c 1 /inputs/data | wc -c'], resources: { timeoutMs: '60s' } }),
          });
          await input.check();
          const ended = performance.now();
          if (share !== 1 || result.exitCode !== 0) throw new Error(`share ${share}, exit code ${result.exitCode}`);
          await result.release();
          await input.release();
          // The first of each warms up.
          if (run === 0) continue;
          times.locality.push(located - began);
          times.path.push(there - located);
          times.job.push(ended - began);
        }
      }
      const p50 = (values: number[]) => Number(quantile(values, 0.5).toFixed(2));
      const rows = inputs.map(({ name, bytes, addMs, times }) => ({
        input: name, addMBps: Math.round(bytes / 1e3 / addMs), localityMs: p50(times.locality), pathMs: p50(times.path), jobMs: p50(times.job),
      }));
      say(table(['input', 'add MB/s', 'locality ms', 'path ms', 'start to end ms'], rows.map((row) => [row.input, row.addMBps, row.localityMs, row.pathMs, row.jobMs])));
      const [small, large] = rows;
      const ratio = Number((large!.jobMs / small!.jobMs).toFixed(3));
      say(`ratio ${ratio}`);
      return { rows, runs: RUNS, ratio, goalRatio: 1.2 };
    } finally {
      await storage.stop();
    }
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
};

/** Bytes that no file system can keep as a hole. */
async function writeRandom(path: string, bytes: number): Promise<void> {
  const buffer = Buffer.alloc(WRITE_BYTES);
  const file = await open(path, 'wx', 0o644);
  try {
    for (let left = bytes; left > 0; left -= WRITE_BYTES) await file.writeFile(randomFillSync(buffer).subarray(0, Math.min(left, WRITE_BYTES)));
  } finally {
    await file.close();
  }
}
