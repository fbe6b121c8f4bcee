import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buildBusyboxImage, createContainerEngine, createImageStore, createMicrovmEngine, guestDir, prepareGuest, type Engine, type RunRequest } from '../src/executor/index.ts';
import { parseJobSpec } from '../src/protocol/index.ts';
import type { Benchmark } from './main.ts';
import { quantile, table } from './statistics.ts';

/** Only computes: what an engine costs beyond it is the engine's. */
const WORK = 'i=0; while [ $i -lt 300000 ]; do i=$((i + 1)); done';
const WARM_RUNS = 5;
const WORK_RUNS = 3;
/** An emulated machine starts for seconds on a core of its own. */
const CONCURRENCY = { fast: [1, 4, 16], slow: [1, 2] };

interface Measured {
  runtime: string;
  coldStartMs: number;
  warmStartMs: number;
  /** Median start to start mark with n jobs started at once. */
  concurrentStartMs: Record<number, number>;
  /** Memory of everything beside this process while a job sleeps, bytes (PSS). */
  memoryBytes: number;
  /** Wall time from start mark to end over that of the same command without any engine. */
  slowdown: number;
}

/** What an engine costs: time to the start mark, memory, run time against a bare process. */
export const engines: Benchmark = async (say) => {
  const dir = await mkdtemp(join(tmpdir(), 'gadus-bench-'));
  try {
    await buildBusyboxImage({ out: join(dir, 'busybox.tar') });
    const bareMs = await median(WORK_RUNS, bare);
    const results: Record<string, Measured> = {};
    for (const engine of await candidates(dir, say)) {
      const probe = await engine.probe();
      if (!probe.ok) {
        say(`${engine.name}: not measured, ${probe.problems.map(({ what }) => what).join('; ')}`);
        continue;
      }
      // A store of its own: the first run finds an image that this engine has never seen.
      const images = createImageStore({ dir: join(dir, `images-${engine.name}`) });
      await images.unpack('busybox', join(dir, 'busybox.tar'));
      const runtime = `${probe.runtime} ${probe.version}`;
      results[engine.name] = await measure(engine, images.rootfs('busybox'), bareMs, runtime);
    }
    say(`the same command without an engine: ${bareMs.toFixed(0)} ms`);
    say(table(['engine', 'runtime', 'cold start ms', 'warm start ms', 'at once', 'memory MiB', 'slowdown'], Object.entries(results).map(([name, one]) => [
      name, one.runtime, one.coldStartMs.toFixed(0), one.warmStartMs.toFixed(0),
      Object.entries(one.concurrentStartMs).map(([n, ms]) => `${n}: ${ms.toFixed(0)}`).join(', '), (one.memoryBytes / 1024 ** 2).toFixed(0), one.slowdown.toFixed(2)])));
    return { ...results, bareMs };
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
};

async function candidates(dir: string, say: (line: string) => void): Promise<Engine[]> {
  await prepareGuest({ dir: guestDir(), onProgress: say }).catch((error: unknown) => say(`no guest for microVMs: ${String(error)}`));
  return [
    createContainerEngine({ stateDir: join(dir, 'container') }),
    createMicrovmEngine({ stateDir: join(dir, 'microvm'), guestDir: guestDir(), emulate: true }),
  ];
}

async function measure(engine: Engine, rootfs: string, bareMs: number, runtime: string): Promise<Measured> {
  let serial = 0;
  /** Runs one job; resolves with the times to its start mark and from there to its end, ms. */
  const run = async (script: string, onStart: () => void = () => undefined): Promise<{ startMs: number; workMs: number }> => {
    const began = performance.now();
    let startMs = 0;
    const request: RunRequest = {
      id: `bench-${process.pid}-${serial++}`, rootfs, inputs: [], sampleIntervalMs: 20,
      spec: parseJobSpec({ command: ['sh', '-c', script], resources: { memoryBytes: '128MiB', diskBytes: '16MiB' } }),
      onStart: () => {
        startMs = performance.now() - began;
        onStart();
      },
    };
    const result = await engine.run(request);
    const workMs = result.trace.t.at(-1)!;
    await result.release();
    if (result.exitCode !== 0) throw new Error(`${engine.name}: exit code ${result.exitCode}`);
    return { startMs, workMs };
  };
  const slow = runtime.endsWith('tcg');
  const coldStartMs = (await run('true')).startMs;
  const warmStartMs = await median(slow ? WORK_RUNS : WARM_RUNS, async () => (await run('true')).startMs);
  const concurrentStartMs: Record<number, number> = {};
  for (const n of slow ? CONCURRENCY.slow : CONCURRENCY.fast) {
    concurrentStartMs[n] = quantile((await Promise.all(Array.from({ length: n }, () => run('true')))).map(({ startMs }) => startMs), 0.5);
  }
  let memory: Promise<number> = Promise.resolve(0);
  const others = new Set(await children());
  await run('sleep 1', () => { memory = children().then((pids) => proportionalBytes(pids.filter((pid) => !others.has(pid)))); });
  const slowdown = await median(WORK_RUNS, async () => (await run(WORK)).workMs) / bareMs;
  return { runtime, coldStartMs, warmStartMs, concurrentStartMs, memoryBytes: await memory, slowdown };
}

async function bare(): Promise<number> {
  const began = performance.now();
  await once(spawn('busybox', ['sh', '-c', WORK]), 'exit');
  return performance.now() - began;
}

async function median(runs: number, once: () => Promise<number>): Promise<number> {
  const values: number[] = [];
  for (let i = 0; i < runs; i++) values.push(await once());
  return quantile(values, 0.5);
}

/** Descendants of this process. */
async function children(): Promise<number[]> {
  const parents = new Map<number, number>();
  for (const name of (await readdir('/proc')).filter((entry) => /^\d+$/.test(entry))) {
    const stat = await readFile(`/proc/${name}/stat`, 'latin1').catch(() => '');
    parents.set(Number(name), Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]));
  }
  const below = (pid: number): boolean => {
    const parent = parents.get(pid);
    return parent !== undefined && parent > 1 && (parent === process.pid || below(parent));
  };
  return [...parents.keys()].filter(below);
}

async function proportionalBytes(pids: number[]): Promise<number> {
  let kilobytes = 0;
  for (const pid of pids) kilobytes += Number(/^Pss:\s+(\d+)/m.exec(await readFile(`/proc/${pid}/smaps_rollup`, 'utf8').catch(() => ''))?.[1] ?? 0);
  return kilobytes * 1024;
}
