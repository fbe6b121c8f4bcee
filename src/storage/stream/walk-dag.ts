import type { CID } from 'multiformats/cid';
import { BlockSet } from '../block-set.ts';
import { linksOf } from '../unixfs/links.ts';
import { identityBlock } from '../verify.ts';
import { SEND_AHEAD_BLOCKS } from './constants.ts';

export interface WalkInit {
  signal: AbortSignal;
  /** How far below the roots, in links; everything when absent. */
  depth?: number;
  /** Also what was yielded before. */
  duplicates?: boolean;
  ahead?: number;
}

interface Entry { cid: CID; depth: number; reading?: Promise<Uint8Array | undefined> }

/**
 * The blocks of DAGs that can be read, depth first in the order of links, each once, the next few being read meanwhile. What cannot be
 * read is left out, and told of. Identity CIDs are no blocks; what they link to is walked.
 *
 * @param read a block; undefined when it is not to be had
 * @throws what `read` throws; StorageError DAG_INVALID for a malformed node; the signal's reason
 */
export async function* walkDag(
  roots: readonly CID[], read: (cid: CID) => Promise<Uint8Array | undefined>, { signal, depth: most = Infinity, duplicates = false, ahead = SEND_AHEAD_BLOCKS }: WalkInit,
): AsyncGenerator<{ cid: CID; bytes: Uint8Array | undefined }> {
  const seen = new BlockSet();
  const stack: Entry[] = [...roots].reverse().map((cid) => ({ cid, depth: 0 }));
  const start = (entry: Entry): Promise<Uint8Array | undefined> => {
    if (entry.reading === undefined) {
      entry.reading = read(entry.cid);
      entry.reading.catch(() => {});
    }
    return entry.reading;
  };
  for (let entry = stack.pop(); entry !== undefined; entry = stack.pop()) {
    signal.throwIfAborted();
    const { cid, depth } = entry;
    if (!seen.add(cid) && !duplicates) continue;
    const inline = identityBlock(cid);
    if (inline === undefined) for (let i = stack.length - 1; i >= Math.max(0, stack.length - ahead); i--) start(stack[i]!);
    const bytes = inline ?? await start(entry);
    if (inline === undefined) yield { cid, bytes };
    if (bytes === undefined || depth >= most) continue;
    // Known links only: duplicates in one node would be read ahead for nothing.
    for (const link of linksOf(cid, bytes).reverse()) if (duplicates || !seen.has(link.cid)) stack.push({ cid: link.cid, depth: depth + 1 });
  }
}
