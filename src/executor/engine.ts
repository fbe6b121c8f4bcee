import type { ChannelName, Environment, Evidence, JobSpec, OutputNotes, Resources, Trace } from '../protocol/index.ts';

/** One replica to run. */
export interface RunRequest {
  /** Unique among the runs of a state directory: `[a-z0-9-]{1,60}`. */
  id: string;
  spec: JobSpec;
  /** Host path of the unpacked image, which is never written to; for the wasm engine that of the module; empty for the noop engine. */
  rootfs: string;
  /** Host files or directories and where the job sees them, read-only. They must be readable by everybody: the job runs as nobody. */
  inputs: { path: string; target: string }[];
  /** Nominal distance of samples, ms. */
  sampleIntervalMs: number;
  /** Called with the job's output as it comes, up to `spec.resources.logBytes` of each stream. Must not throw. */
  onLog?: (stream: 'stdout' | 'stderr', chunk: Uint8Array) => void;
  /** Called at the start mark: the engine is up, the command is about to start. Must not throw. */
  onStart?: () => void;
  /** Called with what the sampler saw last, about every GLANCE_INTERVAL_MS of the job's time; not by an engine that sees nothing while the job runs. Must not throw. */
  onSample?: (sample: Sample) => void;
  /** Aborting kills the job, cleans up and rejects with ExecutorError ABORTED. */
  signal?: AbortSignal;
}

/** One look at a running job: `t` ms after the start mark, counters from there on. */
export interface Sample { t: number; channels: Partial<Record<ChannelName, number>> }

/** What watching the job cost, and how well it kept time. */
export interface SamplingStats {
  /** CPU time of the sampler's thread from start mark to end, ns. */
  cpuNs: number;
  samples: number;
  /** Samples that were due but not taken, by the nominal distance. */
  lost: number;
  /** The same with the closer ones that a run begins with, where there are such. */
  missed?: number;
  /** 99th percentile of how late a sample was taken, ms. */
  jitterP99Ms: number;
}

/** What one run left; files stay valid until `release`. */
export interface RunResult {
  /** 128 + n for signal n, as a shell reports it; 127 and 126 when the command was not found or not executable. */
  exitCode: number;
  /**
   * `exit`: by itself; `signal`: exit code 129 to 192; `timeout`: the time limit; `memory`: the kernel killed a process for
   * memory and the job failed; `disk`: the job failed with its disk full. A log beyond its limit is cut, noted, and does not end a job.
   */
  ended: Evidence['ended'];
  trace: Trace;
  /** Declared outputs that exist, by host path. */
  outputs: { name: string; path: string }[];
  /** How its outputs and its log grew; absent where the engine cannot see them while the job runs. */
  outputNotes?: OutputNotes;
  /** Host files with the first `logBytes` of each stream. */
  stdoutPath: string;
  stderrPath: string;
  environment: Environment;
  sampling: SamplingStats;
  /** Anything a person should know: a cut log, a missing output. */
  notes: string[];
  /** Unmounts and deletes everything; may be called twice. */
  release(): Promise<void>;
}

/** What an engine can do here, and what to do about what it cannot. */
export interface EngineProbe {
  name: Engine['name'];
  ok: boolean;
  /** Name and version, e.g. `runc`, `1.1.5`; empty when there is none. */
  runtime: string;
  version: string;
  /** What keeps a job from its host, in words. */
  isolation: string;
  channels: ChannelName[];
  problems: { what: string; remedy: string }[];
}

/** Something that runs replicas. */
export interface Engine {
  name: 'microvm' | 'container' | 'wasm' | 'noop';
  /** Its jobs can be given a network where the operator permits it; left out, it refuses every job that asks for one. */
  network?: true;
  /** What a run with these limits takes of the machine: the job's own, and what the engine needs beside it; just the limits where left out. */
  takes?(resources: Resources): Resources;
  /** Finds out by trying. Never throws except ExecutorError ABORTED. */
  probe(options?: { signal?: AbortSignal }): Promise<EngineProbe>;
  /**
   * @throws ExecutorError by the job's fault, on any machine: JOB_UNFIT where spec and image do not go together, IMAGE_INVALID, IMAGE_TOO_LARGE; else ABORTED,
   *   REQUEST_INVALID, NETWORK_REFUSED, INPUT_UNREADABLE, ENGINE_UNAVAILABLE, SCRATCH_FAILED, NETWORK_FAILED, START_FAILED, START_TIMEOUT
   */
  run(request: RunRequest): Promise<RunResult>;
  /** Removes what dead processes left under this engine's state directory; leaves alone what a live one still uses. */
  sweep(options?: { signal?: AbortSignal }): Promise<void>;
}
