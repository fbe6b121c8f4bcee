import { NULL_ROUND_STEPS } from '../constants.ts';
import { ChainError } from '../errors.ts';
import type { Cursor } from './cursor-file.ts';
import { findFork } from './find-fork.ts';
import type { LogSource } from './log-source.ts';

/** `keep` is the place of the newest block that stayed among the remembered ones, -1 if none did. */
export type Branch = { branch: 'kept' } | { branch: 'left'; keep: number } | { branch: 'unknown' };

/**
 * Compares the newest remembered block not above `head` with the chain. `unknown` when the endpoint has no block there: behind a load
 * balancer it may lag; well below the head it can only be a null round by now.
 *
 * @throws ChainError REORG_TOO_DEEP where none of the remembered blocks stayed, and some were forgotten; viem's errors
 */
export async function checkBranch(source: Pick<LogSource, 'header'>, { recent, complete }: Readonly<Cursor>, head: number): Promise<Branch> {
  // A head below all we remember is an endpoint that lags, too.
  const known = recent.filter((block) => block.number <= head);
  const newest = known.at(-1);
  if (newest === undefined) return { branch: 'kept' };
  const now = await source.header(newest.number);
  if (now === undefined && head - newest.number < NULL_ROUND_STEPS) return { branch: 'unknown' };
  if (now?.hash === newest.hash) return { branch: 'kept' };
  const keep = await findFork(known, head, async (number) => (await source.header(number))?.hash);
  if (keep === 'unknown') return { branch: 'unknown' };
  if (keep < 0 && !complete) {
    throw new ChainError('REORG_TOO_DEEP', 'the chain was replaced below everything the watcher remembers', {
      details: `no remembered block from ${known[0]!.number} to ${newest.number} is on the chain any more`,
      hint: 'was the chain reset? delete the cursor file to read it from its start',
    });
  }
  return { branch: 'left', keep };
}
