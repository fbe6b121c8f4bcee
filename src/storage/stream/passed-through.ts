import v8 from 'node:v8';
import vm from 'node:vm';
import { OLD_GARBAGE_BYTES, YOUNG_GARBAGE_BYTES } from './constants.ts';

type Collect = (options: { type: 'minor' | 'major'; execution: 'sync' }) => void;

let young = 0;
let old = 0;
let collect: Collect | undefined;

/**
 * Bytes went through libp2p, whose encryption makes new memory of all of them. It is not in the heap, and V8 lets it grow by dozens of megabytes before it
 * looks through everything, at every 30 MB that went through. A collection of what is young, in good time, frees it in a millisecond; and since what waits
 * meanwhile grows old by that, everything is looked through as well, but seldom.
 */
export function passedThrough(bytes: number): void {
  young += bytes;
  if (young < YOUNG_GARBAGE_BYTES) return;
  old += young;
  young = 0;
  const type = old < OLD_GARBAGE_BYTES ? 'minor' : 'major';
  if (type === 'major') old = 0;
  collect ??= findCollector();
  collect({ type, execution: 'sync' });
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
