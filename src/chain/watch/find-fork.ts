import { NULL_ROUND_STEPS } from '../constants.ts';
import type { ProcessedBlock } from './cursor-file.ts';

/**
 * The newest of the remembered blocks that the chain still has, as its place among them, or -1; the last one it has not. A block that stayed
 * has all its ancestors there, so steps that double and then halve find it in a dozen questions.
 *
 * @param head number of the chain's newest block
 * @param hashAt hash of the block of that number on the chain; undefined where the endpoint has none
 * @returns `unknown` where the endpoint has no block that it ought to have: it may lag; well below the head it can only be a null round by now
 */
export async function findFork(
  known: readonly Pick<ProcessedBlock, 'number' | 'hash'>[], head: number, hashAt: (number: number) => Promise<ProcessedBlock['hash'] | undefined>,
): Promise<number | 'unknown'> {
  let gone = known.length - 1;
  let kept = -1;
  for (let step = 1; gone - kept > 1; step *= 2) {
    const at = kept < 0 ? Math.max(0, gone - step) : (kept + gone) >> 1;
    const { number, hash } = known[at]!;
    const now = await hashAt(number);
    if (now === undefined && head - number < NULL_ROUND_STEPS) return 'unknown';
    if (now === hash) kept = at;
    else gone = at;
  }
  return kept;
}
