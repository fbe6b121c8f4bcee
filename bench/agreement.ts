import { spawn } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { compareFingerprints, fingerprintOf, judgeReplicas, profileOutput, type Fingerprint, type JudgedReplica } from '../src/evidence/index.ts';
import { buildBusyboxImage, createContainerEngine, createImageStore, createWasmEngine, resultFiles, type Engine } from '../src/executor/index.ts';
import { runWatched } from '../src/node/replica/run-watched.ts';
import { parseJobSpec, type Trace } from '../src/protocol/index.ts';
import { toolbox } from '../test/wasm/assemble.ts';
import type { Benchmark } from './benchmark.ts';
import { quantile, table } from './statistics.ts';

/** Loops that want a core each, beside the runs. */
const NEIGHBOURS = Number(process.env['GADUS_BENCH_NEIGHBOURS'] ?? 3);
/** Runs at the same time. */
const AT_ONCE = 3;
/** Runs of each program: every pair of them is compared. */
const RUNS = Number(process.env['GADUS_BENCH_RUNS'] ?? 36);
/** Time for a second run of what was poorly sampled, ms: a commit window is longer. */
const AGAIN_WITHIN_MS = 60_000;
/** Bytes of the input. */
const SMALL = 60_000;
const MEDIUM = 300_000;
const LARGE = 4_000_000;

interface Run { again: boolean; trace: Trace; fingerprint: Fingerprint; replica: JudgedReplica }

/**
 * How often two or three honest runs of a short job are told apart on a machine that has too much to do, poorly sampled runs being made again as a node does. GADUS_BENCH_RUNS,
 * GADUS_BENCH_NEIGHBOURS and GADUS_BENCH_ONLY (part of a program's name) set other numbers.
 */
export const agreement: Benchmark = async (say) => {
  const dir = await mkdtemp(join(tmpdir(), 'gadus-bench-'));
  const neighbours = Array.from({ length: NEIGHBOURS }, () => spawn(process.execPath, ['-e', 'for (;;);']));
  try {
    await buildBusyboxImage({ out: join(dir, 'busybox.tar') });
    const images = createImageStore({ dir: join(dir, 'images') });
    await images.unpack('busybox', join(dir, 'busybox.tar'));
    await writeFile(join(dir, 'toolbox.wasm'), await toolbox());
    for (const [name, bytes] of [['small', SMALL], ['medium', MEDIUM], ['large', LARGE]] as const) await writeFile(join(dir, name), Array.from({ length: bytes / 10 }, (_, i) => `${String((i * 7919) % 1e9).padStart(9)}\n`).join(''));
    const container = createContainerEngine({ stateDir: join(dir, 'container') });
    const wasm = createWasmEngine({ stateDir: join(dir, 'wasm') });
    const shell = (script: string): [Engine, string, string[]] => [container, images.rootfs('busybox'), ['sh', '-c', script]];
    const module = (...command: string[]): [Engine, string, string[]] => [wasm, join(dir, 'toolbox.wasm'), ['toolbox', ...command]];
    const programs: Record<string, [Engine, string, string[]]> = {
      'wasm: exit': module('exit', '0'),
      'wasm: copy 60 kB': module('copy', 'small', 'out'),
      'wasm: copy 4 MB': module('copy', 'large', 'out'),
      'wasm: read 4 MB, compute a little, write': module('late', 'large', 'out', '5000000'),
      'container: true': shell('true'),
      'container: echo': shell('echo hello'),
      'container: cp 60 kB': shell('cp /inputs/small /work/out'),
      'container: cp 4 MB': shell('cp /inputs/large /work/out'),
      'container: sort 300 kB': shell('sort /inputs/medium > /work/out'),
      'container: sort 4 MB': shell('sort /inputs/large > /work/out'),
    };
    const only = process.env['GADUS_BENCH_ONLY'];
    const results: Record<string, Record<string, unknown>> = {};
    for (const [name, [engine, rootfs, command]] of Object.entries(programs).filter(([each]) => only === undefined || each.includes(only))) {
      const runs: Run[] = [];
      const began = performance.now();
      let next = 0;
      await Promise.all(Array.from({ length: AT_ONCE }, async () => {
        while (next++ < RUNS) runs.push(await record(engine, rootfs, command, dir));
      }));
      results[name] = assess(runs);
      say(`${name}: ${JSON.stringify(results[name])} (${((performance.now() - began) / 1000).toFixed(0)} s)`);
    }
    say(table(['program', 'pairs', 'told apart', 'farthest', 'threes', 'not accepted whole', 'taken for copies', 'run again', 'samples', 'blocks'], Object.entries(results).map(([name, one]) => [
      name, String(one['pairs']), String(one['apart']), String(one['farthest']), String(one['threes']), String(one['broken']), String(one['copies']), String(one['again']), String(one['samples']), JSON.stringify(one['blocks'])])));
    return results;
  } finally {
    for (const neighbour of neighbours) neighbour.kill();
    await rm(dir, { recursive: true, force: true });
  }
};

let serial = 0;

async function record(engine: Engine, rootfs: string, command: string[], dir: string): Promise<Run> {
  let again = false;
  const run = await runWatched(engine, {
    id: `agreement-${process.pid}-${serial++}`, rootfs, sampleIntervalMs: 20,
    inputs: ['small', 'medium', 'large'].map((name) => ({ path: join(dir, name), target: `/inputs/${name}` })),
    spec: parseJobSpec({ command, outputs: [{ name: 'out', path: '/work/out' }], resources: { memoryBytes: '128MiB', diskBytes: '16MiB' } }),
  }, { againUntil: Date.now() + AGAIN_WITHIN_MS, onAgain: () => { again = true; } });
  try {
    const profile = await profileOutput((await resultFiles(run)).map(({ source }) => source));
    const fingerprint = fingerprintOf(run.trace, profile);
    return { again, trace: run.trace, fingerprint, replica: { resultCid: 'same', exitCode: run.exitCode, ended: run.ended, fingerprint, trace: run.trace } };
  } finally {
    await run.release();
  }
}

function assess(runs: readonly Run[]): Record<string, unknown> {
  const blocks: Record<string, number> = {};
  let [pairs, apart, farthest, threes, broken, copies] = [0, 0, 0, 0, 0, 0];
  runs.forEach((a, i) => runs.slice(i + 1).forEach((b) => {
    pairs++;
    const { undecided, distances, copies: found } = judgeReplicas([a.replica, b.replica], 'trace');
    farthest = Math.max(farthest, distances[0]![1]!);
    copies += found.length;
    if (!undecided) return;
    apart++;
    for (const { name, distance } of compareFingerprints(a.fingerprint, b.fingerprint).blocks) if (distance > 1) blocks[name] = (blocks[name] ?? 0) + 1;
  }));
  for (let i = 0; i + 2 < runs.length; i += 3) {
    threes++;
    if (!judgeReplicas(runs.slice(i, i + 3).map(({ replica }) => replica), 'trace').agreed.every(Boolean)) broken++;
  }
  const samples = runs.map(({ trace }) => trace.t.length);
  return { again: runs.filter(({ again }) => again).length, pairs, apart, farthest: Number(farthest.toFixed(2)), threes, broken, copies, samples: `${Math.min(...samples)}-${quantile(samples, 0.5)}-${Math.max(...samples)}`, blocks };
}
