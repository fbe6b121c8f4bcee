import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, readFile } from 'node:fs/promises';
import path from 'node:path';
import { describe } from 'node:test';
import type { RunRequest, Sample } from '../../../src/executor/index.ts';
import { CHANNELS, isError, type JobSpecInput } from '../../../src/protocol/index.ts';
import { until } from '../../until.ts';
import { engineBench, type EngineSetup, type Outcome } from './engine-bench.ts';

/** Commands, by what they do, of whatever the engine under test runs. */
export interface Programs {
  exit(code: number): string[];
  /** Prints its arguments, each with a line end. */
  args(...args: string[]): string[];
  /** Prints its environment, one variable a line. */
  environ(): string[];
  /** Never ends. */
  spin(): string[];
  /** Copies a file; paths relative to a directory the job was given. */
  copy(from: string, to: string): string[];
  /** Writes n times 64 KiB to stdout. */
  flood(times: number): string[];
}

export interface CommonSetup extends EngineSetup { programs: Programs }

export type Run = (command: string[], spec?: Omit<JobSpecInput, 'command'>, more?: Partial<RunRequest>) => Promise<Outcome>;

/** Registers the tests that hold for every engine, whatever an image is to it, and those of `more`. */
export function commonSuite(name: string, setup: () => Promise<CommonSetup>, more?: (run: Run, it: (title: string, body: () => Promise<void>) => void, setup: CommonSetup) => void): void {
  describe(`any engine: ${name}`, async () => {
    const made = await setup();
    const { engine, programs, leftovers, crashProgram } = made;
    const bench = engineBench('common', made);
    const { it, file } = bench;
    const run: Run = (command, spec = {}, request = {}) => bench.run({ command, ...spec }, request);

    it('reports exit codes', async () => {
      for (const code of [0, 1, 42, 125]) {
        const result = await run(programs.exit(code));
        assert.deepEqual([result.exitCode, result.ended, result.stdout, result.stderr], [code, 'exit', '', '']);
      }
    });
    it('passes arguments as they are', async () => {
      const args = ['', ' ', '*', '$HOME', '`id`', '"', '\'', '\\', '-n', 'äöü€', ';'];
      assert.equal((await run(programs.args(...args))).stdout, args.map((arg) => `${arg}\n`).join(''));
    });
    it('gives the environment of the spec, a PATH, a HOME, and nothing of its own', async () => {
      const { stdout } = await run(programs.environ(), { env: { COLOUR: 'sea green', EMPTY: '', NODE_OPTIONS: '--version', LD_PRELOAD: '/x' } });
      const names = stdout.trim().split('\n').map((line) => line.split('=')[0]).sort();
      assert.deepEqual(names, ['COLOUR', 'EMPTY', 'HOME', 'LD_PRELOAD', 'NODE_OPTIONS', 'PATH']);
      assert.match(stdout, /^COLOUR=sea green$/m);
    });
    it('gives inputs, files and directories, and hands out what is made of them', async () => {
      const content = Buffer.alloc(3_000_000, 'gadus');
      const source = await file('a b\'c"d\\e$f,i:jä', content);
      const result = await run(programs.copy('odd,näme', 'made'), { outputs: [{ name: 'made', path: '/work/made' }, { name: 'other', path: '/work/other' }] }, {
        inputs: [{ path: source, target: '/data/odd,näme' }],
      });
      assert.equal(result.exitCode, 0, result.stderr);
      assert.ok(content.equals(await readFile(result.outputs[0]!.path)));
      assert.deepEqual(result.notes, ['output other does not exist']);
      const { outputBytes } = result.trace.channels;
      assert.equal(outputBytes !== undefined, (await engine.probe()).channels.includes('outputBytes'));
      if (outputBytes) assert.ok(Math.abs(outputBytes.at(-1)! / content.length - 1) < 0.05);
    });
    it('keeps inputs read-only', async () => {
      const source = await file('source', 'kept\n');
      const result = await run(programs.copy('source', 'set/leaf'), {}, { inputs: [{ path: source, target: '/work/set/leaf' }, { path: source, target: '/data/source' }] });
      assert.notEqual(result.exitCode, 0);
      assert.equal(await readFile(source, 'utf8'), 'kept\n');
    });
    it('refuses an input that the job could not read, before anything starts', async () => {
      const secret = await file('secret', 'x');
      await chmod(secret, 0o600);
      for (const source of [secret, path.join(bench.directory, 'absent'), '/dev/null']) {
        await assert.rejects(run(programs.exit(0), {}, { inputs: [{ path: source, target: '/inputs/a' }] }), (error) => isError(error, 'INPUT_UNREADABLE'));
      }
    });
    it('cuts a log at its limit, lets the job go on, and notes it', async () => {
      const seen: number[] = [];
      const result = await run(programs.flood(40), { resources: { logBytes: 100_000 } }, { onLog: (_stream, chunk) => seen.push(chunk.length) });
      assert.deepEqual([result.exitCode, result.stdout.length, seen.reduce((a, b) => a + b, 0)], [0, 100_000, 100_000]);
      assert.deepEqual(result.notes, ['stdout was cut at 100000 bytes']);
    });
    it('ends a job at its time limit', async () => {
      const result = await run(programs.spin(), { resources: { timeoutMs: 500 } });
      assert.deepEqual([result.exitCode, result.ended], [143, 'timeout']);
      assert.ok(result.trace.channels.cpuNs!.at(-1)! > 0);
    });
    it('lets no job write more than its disk holds', async () => {
      const source = await file('large', new Uint8Array(24 * 1024 ** 2));
      const result = await run(programs.copy('large', 'full'), { resources: { diskBytes: '8MiB' } }, { inputs: [{ path: source, target: '/data/large' }] });
      assert.notEqual(result.exitCode, 0);
      assert.equal(result.ended, 'disk');
    });
    it('ends at once and cleans up when aborted, at any moment', async () => {
      const controller = new AbortController();
      await assert.rejects(run(programs.spin(), {}, { signal: controller.signal, onStart: () => controller.abort() }), (error) => isError(error, 'ABORTED'));
      assert.deepEqual(await leftovers(), []);
      await assert.rejects(run(programs.exit(0), {}, { signal: AbortSignal.abort() }), (error) => isError(error, 'ABORTED'));
      for (const ms of [1, 30, 90]) {
        await assert.rejects(run(programs.spin(), {}, { signal: AbortSignal.timeout(ms) }), (error) => isError(error, 'ABORTED'));
        assert.deepEqual(await leftovers(), []);
      }
    });
    it('runs several at a time', async () => {
      const results = await Promise.all(Array.from({ length: 4 }, (_, i) => run(programs.args(String(i)))));
      assert.deepEqual(results.map((result) => result.stdout), results.map((_, i) => `${i}\n`));
    });
    it('refuses a second run of the same id, and a malformed one', async () => {
      await run(programs.exit(0), {}, { id: 'same' });
      for (const id of ['same', '', 'A', '../x', 'x'.repeat(61)]) {
        await assert.rejects(run(programs.exit(0), {}, { id }), (error) => isError(error, 'REQUEST_INVALID'));
      }
    });
    it('sweeps what a killed process left behind', async () => {
      const child = spawn(process.execPath, ['--input-type=module', '--eval', crashProgram(programs.spin())], { stdio: ['ignore', 'pipe', 'inherit'] });
      const [chunk] = await once(child.stdout, 'data');
      assert.match(String(chunk), /started/);
      await engine.sweep();
      assert.notDeepEqual(await leftovers(), [], 'a live process\'s run is left alone');
      child.kill('SIGKILL');
      await once(child, 'exit');
      // Its keeper is at it as well, and may be seen at it a moment longer.
      await until('a sweep leaves nothing', async () => {
        await engine.sweep();
        return (await leftovers()).length === 0;
      });
    });
    it('shows a job to who looks on while it runs', async () => {
      const controller = new AbortController();
      const seen: Sample[] = [];
      const onSample = (sample: Sample) => {
        seen.push(sample);
        if (sample.channels.cpuNs! > seen[0]!.channels.cpuNs!) controller.abort();
      };
      await assert.rejects(run(programs.spin(), {}, { signal: controller.signal, onSample }), (error) => isError(error, 'ABORTED'));
      for (const [i, { t, channels }] of seen.entries()) {
        assert.ok(t > (seen[i - 1]?.t ?? 0), 'time rises strictly');
        assert.ok(Object.values(channels).every((value) => Number.isFinite(value) && value >= 0), JSON.stringify(channels));
      }
    });
    it('leaves a well-formed trace with the channels that the probe names', async () => {
      const { trace, sampling, environment } = await run(programs.flood(20));
      assert.deepEqual([trace.version, trace.engine, environment.engine, trace.t[0]], [1, engine.name, engine.name, 0]);
      assert.ok(trace.t.every((t, i) => i === 0 || t > trace.t[i - 1]!), 'time rises strictly');
      for (const [channel, series] of Object.entries(trace.channels)) {
        assert.equal(series.length, trace.t.length, channel);
        assert.ok(series.every((value) => Number.isFinite(value) && value >= 0), channel);
        if (CHANNELS[channel as keyof typeof CHANNELS].kind === 'level') continue;
        assert.equal(series[0], 0, `${channel} starts at 0`);
        assert.ok(series.every((value, i) => i === 0 || value >= series[i - 1]!), `${channel} never falls`);
      }
      // A module's waypoints lie between the samples.
      assert.ok(trace.channels.instructions === undefined ? sampling.samples === trace.t.length : sampling.samples <= trace.t.length);
      assert.deepEqual(Object.keys(trace.channels).sort(), [...(await engine.probe()).channels].sort());
    });
    more?.(run, it, made);
  });
}
