import assert from 'node:assert/strict';
import { test } from 'node:test';
import { countIo } from './count-io.ts';

/** A function of WASI that moves `bytes` and says so at its last argument, or fails with `error`. */
const moves = (memory: WebAssembly.Memory, bytes: number, error = 0) => (...args: number[]) => {
  new DataView(memory.buffer).setUint32(args.at(-1)!, bytes, true);
  return error;
};

/** Sums of what a listener is told. */
function counter(): { counts: number[]; open: number; before(): void; after(bytesField: number, callsField: number, bytes: number): void } {
  return {
    counts: [0, 0, 0, 0], open: 0,
    before() { this.open++; },
    after(bytesField, callsField, bytes) {
      this.open--;
      this.counts[bytesField]! += bytes;
      this.counts[callsField]!++;
    },
  };
}

test('tells of bytes and calls of the four functions that move bytes, through a memory that grows', () => {
  const memory = new WebAssembly.Memory({ initial: 1, maximum: 2 });
  const told = counter();
  const functions = countIo({
    fd_read: moves(memory, 10), fd_pread: moves(memory, 200), fd_write: moves(memory, 3000), fd_pwrite: moves(memory, 40_000), fd_close: () => 8,
  }, memory, told) as Record<string, (...args: number[]) => number>;
  assert.equal(functions['fd_read']!(3, 16, 1, 8), 0);
  assert.equal(functions['fd_close']!(3), 8);
  memory.grow(1);
  // On the new page.
  assert.equal(functions['fd_pread']!(3, 16, 1, 0, 65_536 + 8), 0);
  functions['fd_write']!(1, 16, 1, 8);
  functions['fd_pwrite']!(1, 16, 1, 0, 8);
  assert.deepEqual([...told.counts, told.open], [210, 43_000, 2, 2, 0]);
});

test('tells of a call that failed, and no bytes of it', () => {
  const memory = new WebAssembly.Memory({ initial: 1, maximum: 1 });
  const told = counter();
  const none = moves(memory, 7, 21);
  const functions = countIo({ fd_read: none, fd_pread: none, fd_write: none, fd_pwrite: none }, memory, told) as Record<string, (...args: number[]) => number>;
  assert.equal(functions['fd_write']!(1, 16, 1, 8), 21);
  assert.deepEqual([...told.counts, told.open], [0, 0, 0, 1, 0]);
});
