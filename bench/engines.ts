import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buildBusyboxImage, createContainerEngine, createImageStore, createMicrovmEngine, createWasmEngine, guestDir, prepareGuest, type Engine, type RunRequest } from '../src/executor/index.ts';
import { parseJobSpec } from '../src/protocol/index.ts';
import { toolbox } from '../test/wasm/assemble.ts';
import type { Benchmark } from './benchmark.ts';
import { quantile, table } from './statistics.ts';

/** Only computes: what an engine costs beyond it is the engine's. */
const WORK = 'i=0; while [ $i -lt 300000 ]; do i=$((i + 1)); done';
/** As much for a module, in rounds of its loop. */
const MODULE_ROUNDS = '500000000';
const WARM_RUNS = 5;
const WORK_RUNS = 3;
const CONCURRENCY = [1, 4, 16];

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
    const bareMs = await median(WORK_RUNS, () => bare('busybox', ['sh', '-c', WORK]));
    const module = join(dir, 'toolbox.wasm');
    await writeFile(module, await toolbox());
    const bareModuleMs = await median(WORK_RUNS, () => bareModule(module));
    const results: Record<string, Measured> = {};
    for (const engine of await candidates(dir, say)) {
      const probe = await engine.probe();
      if (!probe.ok) {
        say(`${engine.name}: not measured, ${probe.problems.map(({ what }) => what).join('; ')}`);
        continue;
      }
      const runtime = `${probe.runtime} ${probe.version}`;
      results[engine.name] = await measure(engine, await programsFor(engine, dir), engine.name === 'wasm' ? bareModuleMs : bareMs, runtime);
    }
    say(`the same work without an engine: ${bareMs.toFixed(0)} ms in a shell, ${bareModuleMs.toFixed(0)} ms in a module`);
    say(table(['engine', 'runtime', 'cold start ms', 'warm start ms', 'at once', 'memory MiB', 'slowdown'], Object.entries(results).map(([name, one]) => [
      name, one.runtime, one.coldStartMs.toFixed(0), one.warmStartMs.toFixed(0),
      Object.entries(one.concurrentStartMs).map(([n, ms]) => `${n}: ${ms.toFixed(0)}`).join(', '), (one.memoryBytes / 1024 ** 2).toFixed(0), one.slowdown.toFixed(2)])));
    return { ...results, bareMs, bareModuleMs };
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
};

async function candidates(dir: string, say: (line: string) => void): Promise<Engine[]> {
  await prepareGuest({ dir: guestDir(), onProgress: say }).catch((error: unknown) => say(`no guest for microVMs: ${String(error)}`));
  return [
    createContainerEngine({ stateDir: join(dir, 'container') }),
    createWasmEngine({ stateDir: join(dir, 'wasm') }),
    createMicrovmEngine({ stateDir: join(dir, 'microvm'), guestDir: guestDir(), emulate: true }),
  ];
}

/** What one engine is given to run, each as its jobs would be: a shell, or a module that does the like. */
interface Programs { rootfs: string; nothing: string[]; wait: string[]; work: string[] }

async function programsFor(engine: Engine, dir: string): Promise<Programs> {
  if (engine.name === 'wasm') return { rootfs: join(dir, 'toolbox.wasm'), nothing: ['toolbox', 'exit', '0'], wait: ['toolbox', 'work', MODULE_ROUNDS], work: ['toolbox', 'work', MODULE_ROUNDS] };
  // A store of its own: the first run finds an image that this engine has never seen.
  const images = createImageStore({ dir: join(dir, `images-${engine.name}`) });
  await images.unpack('busybox', join(dir, 'busybox.tar'));
  return { rootfs: images.rootfs('busybox'), nothing: ['sh', '-c', 'true'], wait: ['sh', '-c', 'sleep 1'], work: ['sh', '-c', WORK] };
}

async function measure(engine: Engine, { rootfs, nothing, wait, work }: Programs, bareMs: number, runtime: string): Promise<Measured> {
  let serial = 0;
  /** Runs one job; resolves with the times to its start mark and from there to its end, ms. */
  const run = async (command: string[], onStart: () => void = () => undefined): Promise<{ startMs: number; workMs: number }> => {
    const began = performance.now();
    let startMs = 0;
    const request: RunRequest = {
      id: `bench-${process.pid}-${serial++}`, rootfs, inputs: [], sampleIntervalMs: 20,
      spec: parseJobSpec({ command, resources: { memoryBytes: '128MiB', diskBytes: '16MiB' } }),
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
  const coldStartMs = (await run(nothing)).startMs;
  const warmStartMs = await median(slow ? WORK_RUNS : WARM_RUNS, async () => (await run(nothing)).startMs);
  const concurrentStartMs: Record<number, number> = {};
  for (const n of CONCURRENCY) {
    concurrentStartMs[n] = quantile((await Promise.all(Array.from({ length: n }, () => run(nothing)))).map(({ startMs }) => startMs), 0.5);
  }
  let memory: Promise<number> = Promise.resolve(0);
  const others = new Set(await children());
  await run(wait, () => { memory = children().then((pids) => proportionalBytes(pids.filter((pid) => !others.has(pid)))); });
  const slowdown = await median(WORK_RUNS, async () => (await run(work)).workMs) / bareMs;
  return { runtime, coldStartMs, warmStartMs, concurrentStartMs, memoryBytes: await memory, slowdown };
}

async function bare(file: string, args: string[]): Promise<number> {
  const began = performance.now();
  await once(spawn(file, args), 'exit');
  return performance.now() - began;
}

/** The module in a Node of its own, neither metered nor in a sandbox; Node's start, which lies before an engine's start mark, is taken off. */
async function bareModule(module: string): Promise<number> {
  const script = (rounds: string) => `
    import { WASI } from 'node:wasi';
    import { readFile } from 'node:fs/promises';
    const wasi = new WASI({ version: 'preview1', args: ['toolbox', 'work', '${rounds}'] });
    const { instance } = await WebAssembly.instantiate(await readFile(${JSON.stringify(module)}), wasi.getImportObject());
    wasi.start(instance);`;
  const run = (rounds: string) => bare(process.execPath, ['--no-warnings', '--input-type=module', '--eval', script(rounds)]);
  return await run(MODULE_ROUNDS) - await run('1');
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
