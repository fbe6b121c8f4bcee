import type { Engine } from '../engine.ts';

/** What another engine changes when a container is its boundary: a runtime of its own stands between the sandbox and the job. */
export interface ContainerVariant {
  engine: Engine['name'];
  /** The runtime inside, for the evidence's environment. */
  runtime: string;
  /** In place of INIT_SCRIPT: speaks its protocol on descriptors 3 and 4, but lets the runtime inside say `ready` and wait. */
  initScript: string;
  /** In place of the job's environment. */
  env: Record<string, string>;
  /** Host files of the engine, mounted read-only. */
  mounts: { source: string; target: string }[];
  /** Files made for this run, read-only too. */
  files: { target: string; content: string }[];
  /** Where the runtime inside keeps its counts: a file on the job's own disk, in the form of SamplerSource.counterFd. */
  counterTarget?: string;
  /** What the runtime inside needs on top of the job's limits. */
  overhead: { memoryBytes: number; processes: number };
}
