import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { assemble, toolbox } from '../../../test/wasm/assemble.ts';
import { isError } from '../../protocol/index.ts';
import { meterModule } from './meter-module.ts';

const MiB = 1024 ** 2;

/** Runs a metered module's function in this process, and returns its value and the counts. */
async function metered(text: string, ...args: number[]): Promise<{ value: unknown; instructions: number; pages: number }> {
  const bytes = meterModule(await assemble(text), { maxBytes: MiB });
  const module = await WebAssembly.compile(bytes);
  const meter = new WebAssembly.Memory({ initial: 1, maximum: 1, shared: true });
  const [sizes] = WebAssembly.Module.customSections(module, 'gadus.memory');
  const [initial, maximum] = new Uint32Array(sizes!);
  const { exports } = new WebAssembly.Instance(module, { gadus: { meter, memory: new WebAssembly.Memory({ initial: initial!, maximum: maximum! }) } });
  const value = (exports['f'] as (...args: number[]) => unknown)(...args);
  const [instructions, pages] = Array.from(new BigInt64Array(meter.buffer, 0, 2), Number);
  return { value, instructions: instructions!, pages: pages! };
}

async function count(text: string, ...args: number[]): Promise<{ value: unknown; instructions: number }> {
  const { value, instructions } = await metered(text, ...args);
  return { value, instructions };
}

const program = (body: string, more = '') => `(module (memory (export "memory") 1 3) ${more} (func (export "_start")) (func (export "f") (param $n i32) (result i32) (local $x i32) ${body}))`;

describe('meterModule', () => {
  test('counts what runs, and nothing else', async () => {
    assert.deepEqual(await count(program('local.get $n')), { value: 0, instructions: 1 });
    // The arm that is taken: local.get, if, one constant.
    const arms = program('(if (result i32) (local.get $n) (then (i32.const 7)) (else (i32.add (i32.const 1) (i32.const 2))))');
    assert.deepEqual(await count(arms, 1), { value: 7, instructions: 3 });
    assert.deepEqual(await count(arms, 0), { value: 3, instructions: 5 });
    // A branch skips the rest of its block; what follows the block runs.
    const skip = program('(block $b (br_if $b (local.get $n)) (local.set $x (i32.const 9))) (local.get $x)');
    assert.deepEqual(await count(skip, 1), { value: 0, instructions: 3 });
    assert.deepEqual(await count(skip, 0), { value: 9, instructions: 5 });
    // Per round: 4 for $x, 4 for $n, 2 for the branch; then 1.
    const loop = program('(loop $l (local.set $x (i32.add (local.get $x) (i32.const 3))) (local.set $n (i32.sub (local.get $n) (i32.const 1))) (br_if $l (local.get $n))) (local.get $x)');
    for (const rounds of [1, 2, 1000]) assert.deepEqual(await count(loop, rounds), { value: 3 * rounds, instructions: 10 * rounds + 1 });
    const table = program('(block $c (block $b (block $a (br_table $a $b $c (local.get $n))) (return (i32.const 1))) (return (i32.const 2))) (i32.const 3)');
    assert.deepEqual(await count(table, 0), { value: 1, instructions: 4 });
    assert.deepEqual(await count(table, 1), { value: 2, instructions: 4 });
    assert.deepEqual(await count(table, 9), { value: 3, instructions: 3 });
    const calls = program('(call $g (call $g (local.get $n)))', '(func $g (param i32) (result i32) (i32.add (local.get 0) (i32.const 1)))');
    assert.deepEqual(await count(calls, 5), { value: 7, instructions: 9 });
  });

  test('knows bulk, vector, table and constant instructions', async () => {
    const body = `
      (memory.fill (i32.const 0) (i32.const 5) (i32.const 16))
      (memory.copy (i32.const 32) (i32.const 0) (i32.const 16))
      (memory.init $d (i32.const 64) (i32.const 0) (i32.const 4)) (data.drop $d)
      (v128.store (i32.const 128) (i8x16.add (v128.load (i32.const 32)) (v128.const i32x4 1 2 3 4)))
      (drop (i8x16.shuffle 0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 (v128.const i64x2 0 0) (v128.const i64x2 0 0)))
      (drop (i32x4.extract_lane 1 (v128.load32_lane 2 (i32.const 0) (v128.const i64x2 0 0))))
      (drop (f64.add (f64.const 1.5) (f64.promote_f32 (f32.const 2)))) (drop (i64.const -9000000000))
      (drop (i32.trunc_sat_f64_s (f64.const 1e300))) (drop (ref.is_null (ref.null func))) (table.set $t (i32.const 0) (ref.func $g))
      (drop (select (result i32) (i32.const 1) (i32.const 2) (local.get $n)))
      (call_indirect $t (param i32) (result i32) (i32.load8_u (i32.const 128)) (i32.const 0))`;
    const { value } = await count(program(body, '(table $t 2 funcref) (elem declare func $g) (data $d "abcd") (func $g (param i32) (result i32) (local.get 0))'));
    assert.equal(value, 6);
  });

  test('bounds the memory by what the job may have, and by what the module declares', async () => {
    const grow = program('(memory.grow (local.get $n))');
    assert.equal((await count(grow, 2)).value, 1);
    assert.equal((await count(grow, 3)).value, -1);
    assert.equal((await count(grow.replace('1 3', '1'), 15)).value, 1);
    assert.equal((await count(grow.replace('1 3', '1'), 16)).value, -1);
    await assert.rejects(count(grow.replace('1 3', '17')), (error) => isError(error, 'JOB_UNFIT'));
  });

  test('tells how large the memory is after each attempt to make it grow, and counts the attempt once', async () => {
    const grow = program('(memory.grow (local.get $n))');
    assert.deepEqual(await metered(grow, 2), { value: 1, instructions: 2, pages: 3 });
    assert.deepEqual(await metered(grow, 3), { value: -1, instructions: 2, pages: 1 });
    assert.deepEqual(await metered(program('(drop (memory.grow (i32.const 1))) (if (local.get $n) (then (drop (memory.grow (i32.const 1))))) (memory.size)'), 1), { value: 3, instructions: 9, pages: 3 });
  });

  const start = '(func (export "_start"))';
  for (const [title, text] of Object.entries({
    'other imports than WASI': `(module (import "env" "system" (func)) (memory (export "memory") 1) ${start})`,
    'unknown functions of WASI': `(module (import "wasi_snapshot_preview1" "fd_exec" (func)) (memory (export "memory") 1) ${start})`,
    'an imported memory': `(module (import "wasi_snapshot_preview1" "fd_read" (memory 1)) (export "memory" (memory 0)) ${start})`,
    'a module without _start': '(module (memory (export "memory") 1))',
    'a library': `(module (memory (export "memory") 1) ${start} (func (export "_initialize")))`,
    'a module without memory': `(module ${start})`,
    'shared memory': `(module (memory (export "memory") 1 2 shared) ${start})`,
    'atomic instructions': `(module (memory (export "memory") 1 2) ${start} (func (drop (i32.atomic.load (i32.const 0)))))`,
    'relaxed vectors': `(module (memory (export "memory") 1) ${start} (func (param v128) (result v128) (i8x16.relaxed_swizzle (local.get 0) (local.get 0))))`,
  })) {
    test(`refuses ${title}`, async () => {
      const module = await assemble(text);
      assert.throws(() => meterModule(module, { maxBytes: MiB }), (error) => isError(error, 'IMAGE_INVALID'));
    });
  }

  test('keeps a module away from the memory that is put beside its own', async () => {
    // Valid only once there is a second memory, which the meter adds.
    for (const [body, grown] of [
      ['(memory.fill 0 (i32.const 0) (i32.const 5) (i32.const 16))', [0xfc, 11, 1]], ['(memory.copy 0 0 (i32.const 0) (i32.const 5) (i32.const 16))', [0xfc, 10, 1, 0]],
      ['(drop (memory.size 0))', [0x3f, 1]], ['(drop (memory.grow 0 (i32.const 1)))', [0x40, 1]],
    ] as const) {
      const bytes = Buffer.from(await assemble(`(module (memory (export "memory") 1) ${start} (func ${body}))`));
      const own = Buffer.from(grown.map((byte, i) => (i > 0 && byte === 1 ? 0 : byte)));
      const at = bytes.lastIndexOf(own);
      assert.ok(at > 0, body);
      meterModule(bytes, { maxBytes: MiB });
      bytes.set(grown, at);
      assert.throws(() => meterModule(bytes, { maxBytes: MiB }), (error) => isError(error, 'IMAGE_INVALID'), body);
    }
  });

  test('refuses what is no module, whole or in part, and never crashes on one that was damaged', async () => {
    const module = await toolbox();
    for (const bytes of [new Uint8Array(0), Buffer.from('hello world'), module.subarray(0, 8), module.subarray(0, module.length - 5)]) {
      assert.throws(() => meterModule(bytes, { maxBytes: MiB }), (error) => isError(error, 'IMAGE_INVALID'));
    }
    fc.assert(fc.property(fc.array(fc.tuple(fc.nat(module.length - 1), fc.nat(255)), { minLength: 1, maxLength: 4 }), (damage) => {
      const bytes = Uint8Array.from(module);
      for (const [at, value] of damage) bytes[at] = value;
      try {
        meterModule(bytes, { maxBytes: MiB });
      } catch (error) {
        assert.ok(isError(error, 'IMAGE_INVALID', 'JOB_UNFIT'), String(error));
      }
    }), { numRuns: 2000 });
  });
});
