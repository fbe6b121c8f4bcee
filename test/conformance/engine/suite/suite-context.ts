import type { RunRequest } from '../../../../src/executor/index.ts';
import type { JobSpecInput } from '../../../../src/protocol/index.ts';
import type { EngineBench, EngineSetup, Outcome } from '../engine-bench.ts';

/** What the parts of the suite work with: the engine under test, and a bench to run it on. */
export interface SuiteContext extends Pick<EngineSetup, 'engine' | 'rootfs' | 'leftovers' | 'crashProgram'>, Pick<EngineBench, 'it' | 'run' | 'file'> {
  bench: EngineBench;
  /** Runs a shell script in the image. */
  sh(script: string, spec?: Omit<JobSpecInput, 'command'>, more?: Partial<RunRequest>): Promise<Outcome>;
}
