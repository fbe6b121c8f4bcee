import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { describe } from 'node:test';
import { createWasmEngine } from '../../../src/executor/index.ts';
import { assemble, toolbox } from '../../wasm/assemble.ts';
import { containerLeftovers } from '../engine/container-leftovers.ts';
import { engineBench } from '../engine/engine-bench.ts';

/** WASI's error numbers. */
const NO_ENTRY = 44;
const NOT_CAPABLE = 76;

/** Makes a link `l` to argument 1 in its own directory and writes through it: exit code 0 when that went well, else WASI's error number. */
const LINKER = `(module
  (import "wasi_snapshot_preview1" "args_sizes_get" (func $sizes (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "args_get" (func $args (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "path_symlink" (func $symlink (param i32 i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "path_open" (func $open (param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
  (memory (export "memory") 1)
  (data (i32.const 8) "l") (data (i32.const 12) "evil")
  (func $need (param $errno i32) (if (local.get $errno) (then (call $exit (local.get $errno)))))
  (func (export "_start") (local $target i32) (local $n i32)
    (call $need (call $sizes (i32.const 0) (i32.const 4)))
    (call $need (call $args (i32.const 64) (i32.const 1024)))
    (local.set $target (i32.load (i32.const 68)))
    (block $end (loop $next
      (br_if $end (i32.eqz (i32.load8_u (i32.add (local.get $target) (local.get $n)))))
      (local.set $n (i32.add (local.get $n) (i32.const 1))) (br $next)))
    (call $need (call $symlink (local.get $target) (local.get $n) (i32.const 3) (i32.const 8) (i32.const 1)))
    (call $need (call $open (i32.const 3) (i32.const 1) (i32.const 8) (i32.const 1) (i32.const 0) (i64.const 64) (i64.const 64) (i32.const 0) (i32.const 16)))
    (i32.store (i32.const 24) (i32.const 12)) (i32.store (i32.const 28) (i32.const 4))
    (call $need (call $write (i32.load (i32.const 16)) (i32.const 24) (i32.const 1) (i32.const 32)))))`;

/** Takes connections on every descriptor it may have: exit code, how many it got. */
const ACCEPTOR = `(module
  (import "wasi_snapshot_preview1" "sock_accept" (func $accept (param i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
  (memory (export "memory") 1)
  (func (export "_start") (local $fd i32) (local $got i32)
    (loop $next
      (if (i32.eqz (call $accept (local.get $fd) (i32.const 0) (i32.const 8))) (then (local.set $got (i32.add (local.get $got) (i32.const 1)))))
      (br_if $next (i32.lt_u (local.tee $fd (i32.add (local.get $fd) (i32.const 1))) (i32.const 64))))
    (call $exit (local.get $got))))`;

/** Grows a table until it gets no more: memory that is no linear memory. */
const TABLES = `(module (memory (export "memory") 1) (table $t 1 funcref)
  (func (export "_start") (loop $more (br_if $more (i32.ne (table.grow $t (ref.null func) (i32.const 1000000)) (i32.const -1))))))`;

describe('escapes from wasm', async () => {
  const directory = await mkdtemp(path.join(tmpdir(), 'gadus-escape-wasm-'));
  const stateDir = path.join(directory, 'state');
  const engine = createWasmEngine({ stateDir });
  const probe = await engine.probe();
  const rootfs = path.join(directory, 'toolbox.wasm');
  await writeFile(rootfs, await toolbox());
  const module = async (name: string, text: string) => {
    const file = path.join(directory, `${name}.wasm`);
    await writeFile(file, await assemble(text));
    return { rootfs: file };
  };
  const bench = engineBench('escape-wasm', {
    engine, rootfs, ...(probe.ok ? {} : { skip: probe.problems.map(({ what, remedy }) => `${what} (${remedy})`).join('; ') }),
    leftovers: () => containerLeftovers(stateDir), crashProgram: () => '', close: () => rm(directory, { recursive: true, force: true }),
  });
  const { it, run } = bench;
  const ownFiles = async () => [process.execPath, path.join(stateDir, 'init/sh'), ...(await readdir(path.join(stateDir, 'modules'))).sort().map((name) => path.join(stateDir, 'modules', name))];
  const digests = async (files: string[]) => Object.fromEntries(await Promise.all(files.map(async (file) => [file, createHash('sha256').update(await readFile(file)).digest('hex')])));

  it('files of the engine and the host, through links that a module makes itself', async () => {
    const linker = await module('linker', LINKER);
    assert.equal((await run({ command: ['linker', 'absent'] }, linker)).exitCode, NO_ENTRY, 'the attack works within what is the job\'s');

    const secret = await bench.file('kept', 'kept');
    const files = [...await ownFiles(), secret];
    const before = await digests(files);
    for (const target of ['../.wasm/node', '../.wasm/run-module.ts', '../.wasm/module.wasm', '../.gadus/sh', '../proc/sys/kernel/core_pattern', '../proc/sysrq-trigger', `..${secret}`, `../proc/1/root${secret}`]) {
      const result = await run({ command: ['linker', target] }, linker);
      assert.equal(result.exitCode, NOT_CAPABLE, target);
    }
    assert.deepEqual(await digests(files), before);
  });
  it('the node\'s own memory and environment, through /proc', async () => {
    const secret = `secret-${process.pid}`;
    process.env['GADUS_TEST_SECRET'] = secret;
    try {
      for (const from of ['../proc/self/environ', `../proc/${process.pid}/environ`, '../proc/1/environ', '../proc/self/mountinfo']) {
        const result = await run({ command: ['toolbox', 'copy', from, 'stolen'], outputs: [{ name: 'stolen', path: '/work/stolen' }] });
        for (const { path: file } of result.outputs) assert.doesNotMatch(await readFile(file, 'latin1'), new RegExp(secret));
      }
    } finally {
      delete process.env['GADUS_TEST_SECRET'];
    }
  });
  it('sockets that were left open', async () => {
    assert.equal((await run({ command: ['x'] }, await module('acceptor', ACCEPTOR))).exitCode, 0);
  });
  it('memory that is not the module\'s own', async () => {
    const result = await run({ command: ['x'], resources: { memoryBytes: '4MiB', timeoutMs: 60_000 } }, await module('tables', TABLES));
    assert.ok(['exit', 'memory', 'signal'].includes(result.ended), result.ended);
    // Its tables are Node's memory, which the sandbox bounds; its own is the page it began with.
    assert.equal(Math.max(...result.trace.channels.residentBytes!), 65_536);
  });
});
