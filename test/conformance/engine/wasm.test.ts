import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createWasmEngine } from '../../../src/executor/index.ts';
import { isError } from '../../../src/protocol/index.ts';
import { assemble, toolbox } from '../../wasm/assemble.ts';
import { commonSuite, type Programs } from './common-suite.ts';
import { containerLeftovers } from './container-leftovers.ts';

const index = new URL('../../../src/executor/index.ts', import.meta.url).href;
const protocol = new URL('../../../src/protocol/index.ts', import.meta.url).href;
const programs: Programs = {
  exit: (code) => ['toolbox', 'exit', String(code)],
  args: (...args) => ['toolbox', 'args', ...args],
  environ: () => ['toolbox', 'environ'],
  spin: () => ['toolbox', 'spin'],
  copy: (from, to) => ['toolbox', 'copy', from, to],
  flood: (times) => ['toolbox', 'flood', String(times)],
};

commonSuite('wasm', async () => {
  const directory = await mkdtemp(path.join(tmpdir(), 'gadus-wasm-'));
  const stateDir = path.join(directory, 'state');
  const engine = createWasmEngine({ stateDir });
  const probe = await engine.probe();
  const rootfs = path.join(directory, 'toolbox.wasm');
  await writeFile(rootfs, await toolbox());
  return {
    engine, rootfs, programs,
    ...(probe.ok ? {} : { skip: probe.problems.map(({ what, remedy }) => `${what} (${remedy})`).join('; ') }),
    leftovers: () => containerLeftovers(stateDir),
    crashProgram: (command) => `
      import { createWasmEngine } from ${JSON.stringify(index)};
      import { parseJobSpec } from ${JSON.stringify(protocol)};
      const engine = createWasmEngine({ stateDir: ${JSON.stringify(stateDir)} });
      await engine.run({
        id: 'crash', spec: parseJobSpec({ command: ${JSON.stringify(command)} }), rootfs: ${JSON.stringify(rootfs)}, inputs: [],
        sampleIntervalMs: 20, onStart: () => console.log('started'),
      });
    `,
    close: () => rm(directory, { recursive: true, force: true }),
  };
}, (run, it, { rootfs }) => {
  const directory = path.dirname(rootfs);
  const module = async (name: string, bytes: string | Uint8Array) => {
    const file = path.join(directory, name);
    await writeFile(file, bytes);
    return { rootfs: file };
  };

  it('counts the same instructions in every run, under any load, while the job runs and exactly at its end', async () => {
    const counts = await Promise.all([1, 0.5, 1].map(async (cpus) => (await run(['toolbox', 'work', '200000000'], { resources: { cpus } })).trace.channels.instructions!));
    const totals = counts.map((series) => series.at(-1)!);
    assert.deepEqual(totals, [totals[0], totals[0], totals[0]]);
    // By the module's text: 22 instructions a round, and a few hundred around them.
    const around = totals[0]! - 22 * 200_000_000;
    assert.ok(around > 0 && around < 1000, String(totals[0]));
    assert.ok(counts.every((series) => new Set(series).size > 5), 'it is seen to grow');
    const more = (await run(['toolbox', 'work', '200000001'])).trace.channels.instructions!.at(-1)!;
    assert.equal(more, totals[0]! + 22, 'one round more is seen');
  });
  it('counts what the module itself reads and writes, and how large its memory is, exactly', async () => {
    const file = path.join(directory, 'counted');
    const bytes = 1_000_000;
    await writeFile(file, Buffer.alloc(bytes, 'counted\n'));
    const runs = await Promise.all([1, 1, 0.2].map((cpus) => run(['toolbox', 'late', 'counted', 'out', '1000'], { resources: { cpus }, outputs: [{ name: 'out', path: '/work/out' }] }, { inputs: [{ path: file, target: '/data/counted' }] })));
    for (const { exitCode, trace: { channels } } of runs) {
      const total = (name: keyof typeof channels) => channels[name]!.at(-1)!;
      const chunks = Math.ceil(bytes / 65_536);
      assert.equal(exitCode, 0);
      assert.deepEqual([total('readBytes'), total('writtenBytes'), total('readCalls'), total('writeCalls')], [bytes, bytes, chunks + 1, 1]);
      // It takes a page for each chunk and one more, in which it reads that there is no more.
      assert.deepEqual([channels.residentBytes![0], total('residentBytes')], [6 * 65_536, (6 + chunks + 1) * 65_536]);
      assert.equal(total('instructions'), runs[0]!.trace.channels.instructions!.at(-1));
    }
    const still = (await run(programs.exit(0))).trace.channels;
    assert.deepEqual([still.readBytes, still.writtenBytes, still.readCalls, still.writeCalls].map((series) => series!.at(-1)), [0, 0, 0, 0], 'nothing of the runtime is in it');
  });
  it('reports a trap, with its reason, as an abort', async () => {
    const trap = await run(['toolbox', 'trap']);
    assert.deepEqual([trap.exitCode, trap.ended, trap.stderr], [134, 'signal', 'gadus: the module trapped: unreachable\n']);
    const deep = await run(['toolbox', 'recurse']);
    assert.equal(deep.exitCode, 134);
    assert.match(deep.stderr, /call stack/);
    const atStart = await module('start.wasm', await assemble('(module (memory (export "memory") 1) (func $s unreachable) (start $s) (func (export "_start")))'));
    assert.equal((await run(['x'], {}, atStart)).exitCode, 134);
  });
  it('lets a module have the memory of the spec, and no more', async () => {
    assert.equal((await run(['toolbox', 'hog'], { resources: { memoryBytes: '4MiB' } })).exitCode, 64);
    const large = await run(['toolbox', 'hog'], { resources: { memoryBytes: '200MiB' } });
    assert.deepEqual([large.exitCode, large.ended], [3200 % 101, 'exit']);
    await assert.rejects(run(programs.exit(0), { resources: { memoryBytes: 4 * 1024 ** 2 } }, await module('big.wasm', await assemble('(module (memory (export "memory") 65) (func (export "_start")))'))), (error) => isError(error, 'JOB_UNFIT'));
  });
  it('refuses what is no module before anything starts, and reports one that does not compile as not executable', async () => {
    await assert.rejects(run(['x'], {}, await module('text.wasm', 'hello')), (error) => isError(error, 'IMAGE_INVALID'));
    await assert.rejects(run(['x'], {}, { rootfs: path.join(directory, 'absent') }), (error) => isError(error, 'IMAGE_MISSING'));
    await assert.rejects(run(['x'], {}, { rootfs: directory }), (error) => isError(error, 'IMAGE_INVALID'));
    const mistyped = await run(['x'], {}, await module('mistyped.wasm', await assemble('(module (memory (export "memory") 1) (func (export "_start") (drop (f32.add (i32.const 1) (i32.const 2)))))')));
    assert.equal(mistyped.exitCode, 126);
    assert.match(mistyped.stderr, /^gadus: the module cannot be compiled: .*f32/);
  });
  it('keeps a job\'s files out of the engine\'s own directory and the root', async () => {
    for (const target of ['/.wasm/node', '/file']) {
      await assert.rejects(run(programs.exit(0), {}, { inputs: [{ path: rootfs, target }] }), (error) => isError(error, 'JOB_UNFIT'));
    }
  });
  it('shows nothing of the host, not even through a link out of an input', async () => {
    const tree = path.join(directory, 'tree');
    await rm(tree, { recursive: true, force: true });
    await mkdir(tree);
    await symlink(rootfs, path.join(tree, 'host'));
    await symlink('/', path.join(tree, 'root'));
    for (const from of ['host', `root${rootfs}`, '../../../../../../etc/hostname', 'root/.gadus/sh']) {
      const result = await run(programs.copy(from, 'stolen'), { outputs: [{ name: 'stolen', path: '/work/stolen' }] }, { inputs: [{ path: tree, target: '/data/tree' }] });
      assert.notEqual(result.exitCode, 0, from);
    }
  });
});
