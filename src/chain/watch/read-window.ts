import { LOG_WINDOW_BLOCKS, NULL_ROUND_STEPS } from '../constants.ts';
import { checkBranch, type Branch } from './check-branch.ts';
import type { Cursor, ProcessedBlock } from './cursor-file.ts';
import type { RpcLog } from './decode-events.ts';
import type { Header, LogSource } from './log-source.ts';

export type Window =
  /** All logs up to the block `to`; `end` is the highest of these blocks whose hash is known, if any. */
  | { branch: 'same'; logs: RpcLog[]; to: number; end: Pick<ProcessedBlock, 'number' | 'hash'> | undefined }
  /** The chain changed. */
  | Extract<Branch, { branch: 'left' }>
  /** It changed meanwhile, or the endpoint does not know it yet. */
  | Extract<Branch, { branch: 'unknown' }>;

/**
 * Reads the logs that follow a cursor, of one branch of the chain for certain: that of the cursor's newest block.
 *
 * @param latest the chain's newest block
 * @param target number of the highest block to read
 * @throws ChainError REORG_TOO_DEEP; viem's errors
 */
export async function readWindow(source: LogSource, cursor: Readonly<Cursor>, latest: Header, target: number): Promise<Window> {
  const anchor = cursor.recent.at(-1);
  if (target === latest.number && anchor !== undefined && latest.parentHash === anchor.hash) {
    // One new block on top of what we know: asked for by hash, the answer cannot be of another branch.
    return { branch: 'same', logs: await source.withTimes(await source.logsOf(latest)), to: latest.number, end: latest };
  }
  const from = cursor.block + 1;
  const farthest = Math.min(target, from + LOG_WINDOW_BLOCKS - 1);
  const end = farthest === latest.number ? latest : await endOf(source, from, farthest);
  const { logs, to } = await source.logsBetween(from, end?.number ?? farthest);
  const timed = await source.withTimes(logs);
  const last = timed.at(-1);
  // A shortened window ends at a block whose header we did not ask for: its last log's block is what can be checked and remembered.
  const witness = end?.number === to ? end : last && { number: Number(last.blockNumber), hash: last.blockHash };
  if (last !== undefined && Number(last.blockNumber) === witness?.number && last.blockHash !== witness.hash) return { branch: 'unknown' };
  // The same at both ends as before: the logs in between are of this branch.
  const [witnessNow, anchorNow] = await Promise.all([witness && source.header(witness.number), anchor && source.header(anchor.number)]);
  if (anchor?.hash !== anchorNow?.hash) {
    const checked = await checkBranch(source, cursor, latest.number);
    return checked.branch === 'left' ? checked : { branch: 'unknown' };
  }
  return witness?.hash === witnessNow?.hash ? { branch: 'same', logs: timed, to, end: witness } : { branch: 'unknown' };
}

/** The highest block at or a little below `to`: `to` itself may be a null round. */
async function endOf(source: LogSource, from: number, to: number): Promise<Header | undefined> {
  for (let number = to; number >= from && number > to - NULL_ROUND_STEPS; number--) {
    const header = await source.header(number);
    if (header !== undefined) return header;
  }
  return undefined;
}
