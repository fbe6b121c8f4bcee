import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { chmod, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { buildBusyboxImage, createContainerEngine, createImageStore, type Engine, type RunRequest } from '../../src/executor/index.ts';
import { isError } from '../../src/protocol/index.ts';
import { AMPLE_MEMORY_BYTES, MAX_FAILURES, TIGHT_MEMORY_SLACK_BYTES } from './constants.ts';
import { planRuns, plainCondition } from './design.ts';
import { labJobs, type LabJob } from './programs/programs.ts';
import { record, type RecordOptions, type RecordProgress } from './record.ts';
import { recordRun } from './record-run.ts';
import { readRuns } from './run-store.ts';

let directory: string;
before(async () => { directory = await mkdtemp(join(tmpdir(), 'gadus-record-')); });
after(() => rm(directory, { recursive: true, force: true }));

describe('one run through the container engine', async () => {
  const home = await mkdtemp(join(tmpdir(), 'gadus-record-engine-'));
  const engine = createContainerEngine({ stateDir: join(home, 'engine') });
  const probe = await engine.probe();
  after(() => rm(home, { recursive: true, force: true }));
  const skip = probe.ok ? false : probe.problems.map(({ what, remedy }) => `${what} (${remedy})`).join('; ');
  const job: LabJob = {
    name: 'tiny', kind: 'text pipeline', deterministic: true, image: 'tools', input: { kind: 'sales', bytes: 200_000 },
    script: () => 'cut -d, -f1 /inputs/data | sort | uniq -c > /outputs/countries',
  };
  const [honest, ...others] = planRuns(job, 1).map((plan) => ({ ...plan, condition: plainCondition() }));

  test('leaves its trace, its profile and its digest, the same for the same work', { skip, timeout: 300_000 }, async () => {
    const tar = join(home, 'busybox.tar');
    await buildBusyboxImage({ out: tar });
    const store = createImageStore({ dir: join(home, 'images') });
    await store.unpack('busybox', tar);
    const rootfs = store.rootfs('busybox');
    // Busybox has the tools, but no bash: its own shell stands in.
    await writeFile(join(rootfs, 'bin', 'bash'), '#!/bin/sh\nexec sh "$@"\n');
    await chmod(join(rootfs, 'bin', 'bash'), 0o755);
    const recorder = { engine, images: { rootfs: () => Promise.resolve(rootfs), module: () => Promise.resolve(rootfs) }, inputs: home };
    const run = await recordRun(recorder, job, honest!, { id: 'tiny.0', tightBytes: 1 });
    assert.deepEqual([run.exitCode, run.program, run.input.bytes, run.condition.engine], [0, 'tiny', 200_000, 'container']);
    assert.ok(run.trace.channels.readBytes!.at(-1)! >= 200_000 && run.outputBytes > 0 && run.profile.files === 2);
    const again = await recordRun(recorder, job, { ...honest!, condition: { ...plainCondition(), neighbours: 2 } }, { id: 'tiny.1', tightBytes: 1 });
    assert.equal(again.resultDigest, run.resultDigest);
    for (const plan of others) assert.notEqual((await recordRun(recorder, job, plan, { id: 'tiny.2', tightBytes: 1 })).resultDigest, run.resultDigest, plan.slot);
    await assert.rejects(recordRun(recorder, { ...job, script: () => 'false | true' }, honest!, { id: 'tiny.3', tightBytes: 1 }), (error) => isError(error, 'RUN_FAILED'));
    assert.deepEqual((await readdir(home)).filter((name) => name.startsWith('neighbour')), []);
  });
});

describe('a recording', () => {
  let recording = 0;
  /** A recording of the waiting programs with an engine that runs nothing and leaves what `answer` says. */
  const recordWith = async (answer: (request: RunRequest) => Promise<number> | number, options: Partial<RecordOptions> = {}) => {
    const folder = options.directory ?? join(directory, `runs-${recording++}`);
    const progress: RecordProgress[] = [];
    await record({
      programs: ['annealing', 'mandelbrot'], runsPerProgram: 1, ...options, directory: folder, stateDirectory: directory, engine: puppet(answer),
      images: { rootfs: () => Promise.resolve('/nowhere'), module: () => Promise.resolve('/nowhere') }, onProgress: (step) => progress.push(step),
    });
    return { folder, progress };
  };

  test('goes round the jobs, and does not record again what is there', async () => {
    const { folder, progress } = await recordWith(() => 0);
    const jobs = labJobs(['annealing', 'mandelbrot']).map(({ name }) => name);
    assert.deepEqual(progress.slice(0, 2).map(({ what }) => what).sort(), jobs.map((name) => `${name}.container.honest-00`).sort());
    const ids = (await Array.fromAsync(readRuns(folder))).map(({ id }) => id);
    assert.equal(ids.length, progress.length);
    assert.deepEqual([progress.at(-1)!.done, progress.at(-1)!.etaMs], [ids.length, 0]);
    await rm(join(folder, `${ids[3]}.runs.gz`));
    // No process can have this id (proc(5), pid_max).
    const draft = join(folder, `.${ids[3]}.999999999.draft`);
    await writeFile(draft, 'half a run');
    const second = await recordWith(() => 0, { directory: folder });
    assert.deepEqual(second.progress.map(({ what }) => what), [ids[3]]);
    assert.ok(!existsSync(draft), 'what a killed recorder left is removed');
  });

  test('gives up a job that keeps failing, and tells', async () => {
    const { folder, progress } = await recordWith((request) => (request.spec.command.at(-1)!.includes('mawk') && !request.id.endsWith('evict') ? 1 : 0));
    const failed = progress.filter(({ failure }) => failure !== undefined);
    assert.equal(failed.length, MAX_FAILURES);
    assert.ok(failed.every(({ what, failure }) => what.startsWith('annealing.') && failure!.includes('did not do its work')));
    assert.deepEqual(new Set((await Array.fromAsync(readRuns(folder))).map(({ program }) => program)), new Set(['mandelbrot']));
  });

  test('gives a job more memory when tight memory kills it', async () => {
    const needed = 1.2 * TIGHT_MEMORY_SLACK_BYTES;
    const seen: number[] = [];
    const { progress } = await recordWith(({ spec: { command, resources } }) => {
      if (command[0] === 'bash' && resources.memoryBytes < AMPLE_MEMORY_BYTES) seen.push(resources.memoryBytes);
      return command[0] === 'bash' && resources.memoryBytes < needed ? 137 : 0;
    }, { programs: ['mandelbrot'], runsPerProgram: 14 });
    assert.ok(progress.every(({ failure }) => failure === undefined));
    assert.ok(seen[0]! < needed && seen.slice(1).every((bytes) => bytes >= needed), String(seen));
  });

  test('ends when aborted, and goes on with what is missing', async () => {
    const stop = new AbortController();
    const folder = join(directory, 'aborted');
    let runs = 0;
    await assert.rejects(recordWith(() => { if (++runs === 3) stop.abort(); return 0; }, { directory: folder, signal: stop.signal }));
    const kept = (await readdir(folder)).filter((name) => !name.startsWith('.'));
    assert.ok(kept.length < 3);
    const { progress } = await recordWith(() => 0, { directory: folder });
    assert.equal(progress.length + kept.length, progress.at(-1)!.total);
  });

  test('refuses a program that is not there', async () => {
    await assert.rejects(recordWith(() => 0, { programs: ['no-such'] }), (error) => isError(error, 'PROGRAM_UNKNOWN'));
  });
});

/** An engine that answers with an exit code and a short trace. */
function puppet(answer: (request: RunRequest) => Promise<number> | number): Engine {
  return {
    name: 'container',
    probe: () => Promise.reject(new Error('not asked')),
    sweep: () => Promise.resolve(),
    async run(request) {
      const exitCode = await answer(request);
      request.signal?.throwIfAborted();
      const files = await mkdtemp(join(directory, 'puppet-'));
      const [stdoutPath, stderrPath] = [join(files, 'stdout'), join(files, 'stderr')];
      await Promise.all([writeFile(stdoutPath, request.spec.command.join(' ')), writeFile(stderrPath, 'words')]);
      return {
        exitCode, ended: exitCode === 137 ? 'memory' : 'exit', outputs: [], stdoutPath, stderrPath, notes: [],
        trace: { version: 1, engine: 'container', intervalMs: 20, t: Float64Array.of(0, 20), channels: { residentBytes: Float64Array.of(0, 1e6) } },
        environment: { engine: 'container', runtime: '', kernel: 'k', cpu: 'c', cores: 1, cgroup: 'v1', gadus: '0' },
        sampling: { cpuNs: 0, samples: 2, lost: 0, jitterP99Ms: 0 },
        release: () => rm(files, { recursive: true, force: true }),
      };
    },
  };
}
