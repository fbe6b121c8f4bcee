import { readFile } from 'node:fs/promises';
import { outputHistory, profileOutput } from '../../src/evidence/index.ts';
import { resultFiles, type Engine, type RunResult } from '../../src/executor/index.ts';
import { parseJobSpec } from '../../src/protocol/index.ts';
import { keepOutput } from './keep-output.ts';
import { AMPLE_MEMORY_BYTES, DISK_BYTES, RUN_TIMEOUT_MS } from './constants.ts';
import type { PlannedRun } from './design.ts';
import { LabError } from './errors.ts';
import { measureLoop } from './measure-loop.ts';
import { evictCache } from './evict-cache.ts';
import { storedInput } from './inputs/input-store.ts';
import type { LabImages } from './lab-images.ts';
import { startNeighbours } from './neighbours.ts';
import type { LabJob } from './programs/programs.ts';
import { wordMinima } from './word-minima.ts';
import { resultDigest } from './result-digest.ts';
import type { LabRun } from './lab-run.ts';

/** What all runs of a recording share. */
export interface Recorder {
  engine: Engine;
  /** Runs the laboratory's own jobs, the container engine; `engine` when left out. */
  tools?: Engine;
  images: LabImages;
  /** Directory of inputs, which must exist; neighbours write there, too. */
  inputs: string;
  /** Directory that keeps each different output, to try other profiles on; none is kept when left out. */
  outputs?: string;
  signal?: AbortSignal;
}

/**
 * One run as planned: input made, cache as wanted, neighbours started, the job run under the engine and its sampler, the output profiled
 * as a node does it, all released.
 *
 * @param tightBytes memory of the job when it is to be tight
 * @throws LabError RUN_FAILED when the program fails, IMAGE_FAILED; ExecutorError when the engine does
 */
export async function recordRun(recorder: Recorder, job: LabJob, plan: PlannedRun, { id, tightBytes }: { id: string; tightBytes: number }): Promise<LabRun> {
  const { engine, images, inputs, signal } = recorder;
  const { condition } = plan;
  const abortable = signal === undefined ? {} : { signal };
  const rootfs = job.image === 'wasm' ? await images.module(job.script(1, 0).split(' ')[0]!) : await images.rootfs(job.image);
  const input = await storedInput(inputs, job.input, plan.seed, plan.fraction);
  const runId = `lab-${process.pid}-${Date.now().toString(36)}`;
  if (condition.cache === 'cold') await evictCache(recorder.tools ?? engine, { id: `${runId}-evict`, tools: await images.rootfs('tools'), image: rootfs, input: input.path, ...abortable });
  const spec = parseJobSpec({
    ...(job.image === 'wasm' ? { engine: 'wasm', command: job.script(plan.work, job.input.bytes).split(' ') }
      : { engine: engine.name, command: ['bash', '-e', '-o', 'pipefail', '-c', job.script(plan.work, job.input.bytes)], env: { LC_ALL: 'C' } }),
    resources: {
      cpus: ((job.cpus ?? 1) * condition.cpuPercent) / 100, memoryBytes: condition.memory === 'ample' ? AMPLE_MEMORY_BYTES : tightBytes, diskBytes: DISK_BYTES, timeoutMs: RUN_TIMEOUT_MS,
    },
  });
  const neighbours = startNeighbours(condition.neighbours, inputs);
  const loop = measureLoop();
  let run: RunResult;
  let loopNs = 0;
  try {
    run = await engine.run({ id: runId, spec, rootfs, inputs: [{ path: input.path, target: '/inputs/data' }], sampleIntervalMs: condition.intervalMs, ...abortable });
  } finally {
    loopNs = await loop.stop();
    await neighbours.stop();
  }
  try {
    const named = await resultFiles(run);
    const files = named.map(({ source }) => source);
    if (run.ended !== 'exit' || run.exitCode !== 0) throw new LabError('RUN_FAILED', 'a program did not do its work', { details: `${id} ended by ${run.ended} with ${run.exitCode}: ${await tail(run.stderrPath)}` });
    const profile = await profileOutput(files, abortable);
    const digest = await resultDigest(files, run.exitCode);
    if (recorder.outputs !== undefined) await keepOutput(recorder.outputs, digest, files);
    const history = await outputHistory(named, run.outputNotes, run.trace.t.at(-1)!, abortable);
    const written = history.noted ? { t: history.t, files: history.files.map(({ path, lengths }) => ({ path, lengths })) } : null;
    const { cpu, cores, kernel } = run.environment;
    return {
      version: 2, id, program: job.name, kind: job.kind, deterministic: job.deterministic,
      input: { seed: plan.seed, bytes: input.bytes, fraction: plan.fraction }, work: plan.work, condition: { ...condition, engine: engine.name },
      trace: run.trace, profile, written, words: await wordMinima(files), loopNs, resultDigest: digest, outputBytes: profile.bytes, exitCode: run.exitCode,
      recordedAt: new Date().toISOString(), machine: `${cpu}, ${cores} cores, ${kernel}`,
    };
  } finally {
    await run.release();
  }
}

/** The last words of a program. */
async function tail(file: string): Promise<string> {
  return (await readFile(file, 'utf8')).trim().slice(-300);
}
