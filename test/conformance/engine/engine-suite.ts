import { describe } from 'node:test';
import { engineBench, type EngineSetup } from './engine-bench.ts';
import { commandsSuite } from './suite/commands.ts';
import { filesSuite } from './suite/files.ts';
import { isolationSuite } from './suite/isolation.ts';
import { lifeSuite } from './suite/life.ts';
import { limitsSuite } from './suite/limits.ts';
import { logsSuite } from './suite/logs.ts';
import { traceSuite } from './suite/trace.ts';
import type { SuiteContext } from './suite/suite-context.ts';

/** Registers the tests that every engine must pass which runs images with a busybox in them. */
export function engineSuite(name: string, setup: () => Promise<EngineSetup>): void {
  describe(`engine ${name}`, async () => {
    const made = await setup();
    const bench = engineBench('case', made);
    const context: SuiteContext = {
      ...made, bench, it: bench.it, run: bench.run, file: bench.file,
      sh: (script, spec = {}, more = {}) => bench.run({ command: ['sh', '-c', script], ...spec }, more),
    };
    for (const part of [commandsSuite, filesSuite, logsSuite, limitsSuite, isolationSuite, lifeSuite, traceSuite]) part(context);
  });
}
