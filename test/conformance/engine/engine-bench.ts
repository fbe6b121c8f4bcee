import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, afterEach, before, test } from 'node:test';
import { SLOWNESS } from '../../../src/executor/constants.ts';
import { takeUsualUmask, type Engine, type RunRequest, type RunResult } from '../../../src/executor/index.ts';
import { parseJobSpec, type JobSpecInput } from '../../../src/protocol/index.ts';

/** Longest test of an engine, ms; longer on a machine that says it is slow. */
const TEST_TIMEOUT_MS = 180_000 * SLOWNESS;

// As a node does.
takeUsualUmask();

/** What the suites need of the engine under test. */
export interface EngineSetup {
  engine: Engine;
  /** Path of the image. */
  rootfs: string;
  /** Why the engine cannot be tested here; every test is then skipped with this reason. */
  skip?: string;
  /** All this machine holds of the engine's runs now: processes, mounts, loop devices, groups, files. Empty when all is clean. */
  leftovers(): Promise<string[]>;
  /** Source of a module that runs `command` with an engine of the same state, prints `started` at the start mark, and then hangs on. */
  crashProgram(command: string[]): string;
  /** Stops what the setup made. */
  close(): Promise<void>;
}

export type Outcome = RunResult & { stdout: string; stderr: string };

/** Where the tests of one `describe` run an engine: a folder of their own, runs released after each test, and nothing left behind by any. */
export interface EngineBench {
  readonly directory: string;
  it(title: string, body: () => Promise<void>): void;
  run(spec: JobSpecInput, more?: Partial<RunRequest>): Promise<Outcome>;
  /** Writes a file that everybody may read, and gives its path. */
  file(name: string, content: string | Uint8Array): Promise<string>;
}

export function engineBench(name: string, { engine, rootfs, skip, leftovers, close }: EngineSetup): EngineBench {
  if (skip !== undefined) process.stderr.write(`engine ${engine.name} NOT TESTED (${name}): ${skip}\n`);
  let directory = '';
  let serial = 0;
  const held: RunResult[] = [];
  before(async () => { directory = await mkdtemp(path.join(tmpdir(), `gadus-${name}-`)); });
  afterEach(async () => {
    await Promise.all(held.splice(0).map((result) => result.release()));
    assert.deepEqual(await leftovers(), [], 'nothing is left behind');
  });
  after(async () => {
    await rm(directory, { recursive: true, force: true });
    await close();
  });
  return {
    get directory() { return directory; },
    it(title, body) { test(title, { skip: skip ?? false, timeout: TEST_TIMEOUT_MS }, body); },
    async run(spec, more = {}) {
      const result = await engine.run({ id: `${name}-${process.pid}-${serial++}`, spec: parseJobSpec(spec), rootfs, inputs: [], sampleIntervalMs: 20, ...more });
      held.push(result);
      return Object.assign(result, { stdout: await readFile(result.stdoutPath, 'utf8'), stderr: await readFile(result.stderrPath, 'utf8') });
    },
    async file(fileName, content) {
      const target = path.join(directory, fileName);
      await writeFile(target, content, { mode: 0o644 });
      return target;
    },
  };
}
