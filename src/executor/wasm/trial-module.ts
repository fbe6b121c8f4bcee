/** What the trial module ends with. */
export const TRIAL_CODE = 42;

/** `(module (import "wasi_snapshot_preview1" "proc_exit" (func (param i32))) (memory (export "memory") 1) (func (export "_start") (call 0 (i32.const 42))))` */
export const TRIAL_MODULE = Buffer.concat([
  Uint8Array.of(0, 0x61, 0x73, 0x6d, 1, 0, 0, 0),
  Uint8Array.of(1, 8, 2, 0x60, 1, 0x7f, 0, 0x60, 0, 0),
  Uint8Array.of(2, 36, 1, 22), Buffer.from('wasi_snapshot_preview1'), Uint8Array.of(9), Buffer.from('proc_exit'), Uint8Array.of(0, 0),
  Uint8Array.of(3, 2, 1, 1),
  Uint8Array.of(5, 3, 1, 0, 1),
  Uint8Array.of(7, 19, 2, 6), Buffer.from('memory'), Uint8Array.of(2, 0, 6), Buffer.from('_start'), Uint8Array.of(0, 1),
  Uint8Array.of(10, 8, 1, 6, 0, 0x41, TRIAL_CODE, 0x10, 0, 0x0b),
]);
