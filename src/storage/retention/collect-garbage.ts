import { CID } from 'multiformats/cid';
import { BlockSet } from '../blocks/block-set.ts';
import { BLOCKS_AT_ONCE } from '../constants.ts';
import { isLeaf, linksOf } from '../unixfs/links.ts';
import type { Holding, Holdings } from './holdings.ts';
import type { LocalBlocks } from '../blocks/local-blocks.ts';

export interface CollectInit {
  /** Whether a DAG is in use: such are kept whatever their time. */
  isPinned(cid: CID): boolean;
  /** Bytes that DAGs fetched for jobs may keep; the longest unused go first. */
  maxFetchedBytes: number;
  /** Waits until nothing is being added: what is half added hangs from nothing yet. */
  quiet(): Promise<unknown>;
  signal: AbortSignal;
  /** Told of what was removed so far. */
  onProgress?: (removed: Collected) => void;
}

export interface Collected { dags: number; blocks: number; bytes: number }

/**
 * Gives up results whose time is over and fetched data beyond its size, then removes every own block that no DAG left needs. Blocks
 * that somebody reads or puts meanwhile stay. Of each block its hash is held in memory.
 */
export async function collectGarbage({ blocks, holdings }: { blocks: LocalBlocks; holdings: Holdings }, init: CollectInit): Promise<Collected> {
  const { signal, isPinned, maxFetchedBytes, quiet, onProgress } = init;
  blocks.noteWanted(true);
  try {
    await quiet();
    const held = await holdings.list();
    const given = over(held, maxFetchedBytes).filter(({ cid }) => !isPinned(CID.parse(cid)));
    for (const { cid } of given) await holdings.remove(CID.parse(cid));

    const gone = new Set(given);
    const needed = new BlockSet();
    for (const holding of held) if (!gone.has(holding)) await mark(blocks, CID.parse(holding.cid), needed, signal);
    const removed = { dags: given.length, blocks: 0, bytes: 0 };
    const sweep = async (batch: readonly CID[]) => {
      signal.throwIfAborted();
      for (const bytes of await blocks.sweep(batch)) {
        removed.blocks++;
        removed.bytes += bytes;
      }
      onProgress?.({ ...removed });
    };
    let batch: CID[] = [];
    for await (const cid of blocks.own()) {
      if (needed.has(cid)) continue;
      batch.push(cid);
      if (batch.length >= BLOCKS_AT_ONCE) await sweep(batch.splice(0));
    }
    if (batch.length > 0) await sweep(batch);
    return removed;
  } finally {
    blocks.noteWanted(false);
  }
}

/** What is to go: results whose time is over, and of the fetched the longest unused until the rest fits. */
function over(held: readonly Holding[], maxFetchedBytes: number): Holding[] {
  const late = held.filter(({ why, keepUntil }) => why === 'result' && keepUntil !== undefined && keepUntil <= Date.now());
  const fetched = held.filter(({ why }) => why === 'fetched').sort((a, b) => a.usedAt - b.usedAt);
  let bytes = fetched.reduce((sum, one) => sum + one.bytes, 0);
  const surplus = fetched.filter((one) => {
    if (bytes <= maxFetchedBytes) return false;
    bytes -= one.bytes;
    return true;
  });
  return [...late, ...surplus];
}

async function mark(blocks: LocalBlocks, root: CID, needed: BlockSet, signal: AbortSignal): Promise<void> {
  const waiting = [root];
  for (let cid = waiting.pop(); cid !== undefined; cid = waiting.pop()) {
    signal.throwIfAborted();
    if (!needed.add(cid) || isLeaf(cid)) continue;
    const bytes = await blocks.read(cid, { signal });
    try {
      if (bytes !== undefined) waiting.push(...linksOf(cid, bytes).map((link) => link.cid));
    } catch {
      // What is malformed has no links to keep.
    }
  }
}
