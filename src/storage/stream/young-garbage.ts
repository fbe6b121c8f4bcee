import v8 from 'node:v8';
import vm from 'node:vm';
import { YOUNG_GARBAGE_BYTES } from './constants.ts';

type Collect = (options: { type: 'minor'; execution: 'sync' }) => void;

let passed = 0;
let collect: Collect | undefined;

/**
 * Bytes went through libp2p, whose encryption makes new memory of all of them. That memory is not in the heap, and V8 lets it grow by dozens of megabytes
 * before it looks through everything, which takes dozens of milliseconds; a collection of what is young, in good time, frees it in one.
 */
export function passedThrough(bytes: number): void {
  passed += bytes;
  if (passed < YOUNG_GARBAGE_BYTES) return;
  passed = 0;
  collect ??= findCollector();
  collect({ type: 'minor', execution: 'sync' });
}

/** As `node --expose-gc` has it, for this module alone. */
function findCollector(): Collect {
  v8.setFlagsFromString('--expose-gc');
  try {
    return vm.runInNewContext('gc') as Collect;
  } catch {
    // It saves memory and time, no more.
    return () => {};
  } finally {
    v8.setFlagsFromString('--no-expose-gc');
  }
}
