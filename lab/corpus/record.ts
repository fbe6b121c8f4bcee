import { existsSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { createEngines, type Engine } from '../../src/executor/index.ts';
import { isError, messageOf } from '../../src/protocol/index.ts';
import { AMPLE_MEMORY_BYTES, HONEST_RUNS, MAX_FAILURES, STATE_DIRECTORY, TIGHT_MEMORY_RATIO, TIGHT_MEMORY_SLACK_BYTES, TIGHT_RETRY_RATIO } from './constants.ts';
import { planRuns, type PlannedRun } from './design.ts';
import { createLabImages, type LabImages } from './lab-images.ts';
import { removeDeadDrafts } from './remove-dead-drafts.ts';
import type { LabEngine } from './programs/program.ts';
import { labJobs, type LabJob } from './programs/programs.ts';
import { recordRun, type Recorder } from './record-run.ts';
import type { LabRun } from './lab-run.ts';
import { readRuns, runFileName, writeRun } from './run-store.ts';

export interface RecordOptions {
  /** Where the runs are kept; those that are there are not recorded again. */
  directory: string;
  /** Programs or jobs; all when left out. */
  programs?: string[];
  /** Honest runs of each job; the other variants' numbers follow in proportion. */
  runsPerProgram?: number;
  /** Keeps each different output as well, in the state directory: to try other profiles on without recording anew. */
  keepOutputs?: boolean;
  /** Where images and inputs are kept. */
  stateDirectory?: string;
  /** Built from Debian packages when left out. */
  images?: LabImages;
  /** Engine to record by, the container when left out, and those programs that are for it. */
  by?: LabEngine;
  /** In its place. */
  engine?: Engine;
  signal?: AbortSignal;
  onProgress?: (progress: RecordProgress) => void;
}

/** What just happened in a recording. */
export interface RecordProgress {
  /** Runs on disk, and to be there in the end. */
  done: number;
  total: number;
  /** The run, or what else is being done. */
  what: string;
  wallMs: number;
  etaMs: number;
  failure?: string;
}

/**
 * Records the corpus, one job at a time, round after round over all programs, so that what is there at any time covers all of them.
 *
 * A run that fails is reported and left out; a job that keeps failing is given up for this time.
 *
 * @throws LabError PROGRAM_UNKNOWN, IMAGE_FAILED, RUNS_MALFORMED (from an earlier recording); ExecutorError ENGINE_UNAVAILABLE, ABORTED
 */
export async function record(options: RecordOptions): Promise<void> {
  const { directory, onProgress, signal } = options;
  const stateDirectory = resolve(options.stateDirectory ?? STATE_DIRECTORY);
  const inputs = join(stateDirectory, 'inputs');
  for (const place of [directory, inputs]) {
    await mkdir(place, { recursive: true });
    await removeDeadDrafts(place);
  }
  const by = options.by ?? 'container';
  const [container, real, emulated] = createEngines(['container', by, 'microvm-emulated'], { dir: stateDirectory });
  const abortable = options.signal === undefined ? {} : { signal: options.signal };
  const engine = options.engine ?? (by !== 'microvm' || (await real!.probe(abortable)).ok ? real! : emulated!);
  const images = options.images ?? createLabImages(stateDirectory, { onProgress: (what) => onProgress?.({ done: 0, total: 0, what, wallMs: 0, etaMs: 0 }), ...abortable });
  const recorder: Recorder = { engine, images, ...(options.engine === undefined ? { tools: container! } : {}), inputs, ...(options.keepOutputs === true ? { outputs: join(stateDirectory, 'outputs') } : {}), ...abortable };
  await engine.sweep(abortable);

  const jobs = labJobs(options.programs, by);
  const memory = await tightMemory(directory, engine.name);
  const queue = roundRobin(jobs, options.runsPerProgram ?? HONEST_RUNS).map((entry) => ({ ...entry, id: `${entry.job.name}.${engine.name}.${entry.plan.slot}` }));
  const total = queue.length;
  const missing = queue.filter(({ id }) => !existsSync(join(directory, runFileName(id))));
  const failures = new Map<string, number>();
  const begun = performance.now();
  for (const [index, { job, plan, id }] of missing.entries()) {
    if (failures.get(job.name) === MAX_FAILURES) continue;
    const started = performance.now();
    let failure: string | undefined;
    try {
      const run = await retryTight(memory, job, plan, (tightBytes) => recordRun(recorder, job, plan, { id, tightBytes }));
      await writeRun(directory, run);
      memory.learn(run);
      failures.delete(job.name);
    } catch (error) {
      if (signal?.aborted || !isError(error) || isError(error, 'IMAGE_FAILED', 'ENGINE_UNAVAILABLE')) throw error;
      failure = messageOf(error);
      failures.set(job.name, (failures.get(job.name) ?? 0) + 1);
    }
    const now = performance.now();
    onProgress?.({
      done: total - missing.length + index + 1, total, what: id, wallMs: now - started, etaMs: ((now - begun) / (index + 1)) * (missing.length - index - 1),
      ...(failure === undefined ? {} : { failure }),
    });
  }
}

/** The first run of every job, then the second of every job. */
function roundRobin(jobs: readonly LabJob[], honest: number): { job: LabJob; plan: PlannedRun }[] {
  const plans = jobs.map((job) => planRuns(job, honest).map((plan) => ({ job, plan })));
  const rounds = Math.max(0, ...plans.map((plan) => plan.length));
  return Array.from({ length: rounds }, (_, round) => plans.flatMap((plan) => plan[round] ?? [])).flat();
}

/** How little memory each job can do with, learned from its honest runs. */
interface TightMemory {
  learn(run: LabRun): void;
  bytes(program: string): number;
  raise(program: string): void;
}

async function tightMemory(directory: string, engine: string): Promise<TightMemory> {
  const peaks = new Map<string, number>();
  const raised = new Map<string, number>();
  const memory: TightMemory = {
    learn({ program, condition, input, work, trace }) {
      if (condition.memory !== 'ample' || condition.engine !== engine || input.fraction < 1 || work < 1) return;
      peaks.set(program, Math.max(peaks.get(program) ?? 0, ...(trace.channels.residentBytes ?? [])));
    },
    bytes: (program) => Math.ceil(((peaks.get(program) ?? AMPLE_MEMORY_BYTES) * TIGHT_MEMORY_RATIO + TIGHT_MEMORY_SLACK_BYTES) * (raised.get(program) ?? 1)),
    raise: (program) => raised.set(program, (raised.get(program) ?? 1) * TIGHT_RETRY_RATIO),
  };
  for await (const run of readRuns(directory)) memory.learn(run);
  return memory;
}

/** A job that tight memory kills gets more of it, and more again. */
async function retryTight(memory: TightMemory, job: LabJob, plan: PlannedRun, run: (tightBytes: number) => Promise<LabRun>): Promise<LabRun> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await run(memory.bytes(job.name));
    } catch (error) {
      if (plan.condition.memory === 'ample' || attempt > MAX_FAILURES || !isError(error, 'RUN_FAILED')) throw error;
      memory.raise(job.name);
    }
  }
}
