import type { CID } from 'multiformats/cid';
import { BlockSet } from '../blocks/block-set.ts';
import { BLOCKS_AT_ONCE, BLOCKS_WITHOUT_THREAD, SMALL_FILE_BYTES } from '../constants.ts';
import { isHashedLeaf, linksOf } from '../unixfs/links.ts';
import { identityBlock } from '../blocks/verify.ts';
import { SEND_AHEAD_BLOCKS, SEND_AHEAD_SMALL } from './constants.ts';

export interface WalkInit {
  signal: AbortSignal;
  /** How far below the roots, in links; everything when absent. */
  depth?: number;
  /** Also what was yielded before. */
  duplicates?: boolean;
  ahead?: number;
  /** Reads many small leaves together; undefined for one that is to be read by itself. */
  readMany?: (leaves: readonly CID[]) => Promise<(Uint8Array | undefined)[]>;
}

interface Entry {
  cid: CID;
  depth: number;
  /** What a leaf has, as its parent claims; undefined for what has links, or is not known by its SHA-256. */
  leafBytes?: number;
  reading?: Promise<Uint8Array | undefined>;
}

/**
 * The blocks of DAGs that can be read, depth first in the order of links, each once, the next few being read meanwhile. What cannot be
 * read is left out, and told of. Identity CIDs are no blocks; what they link to is walked.
 *
 * @param read a block; undefined when it is not to be had
 * @throws what `read` throws; StorageError DAG_INVALID for a malformed node; the signal's reason
 */
export async function* walkDag(
  roots: readonly CID[], read: (cid: CID) => Promise<Uint8Array | undefined>, { signal, depth: most = Infinity, duplicates = false, ahead = SEND_AHEAD_BLOCKS, readMany }: WalkInit,
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
  /** Small leaves on top of the stack that are being read, more or less. */
  let begun = 0;
  const startMany = (): void => {
    if (readMany === undefined || begun > SEND_AHEAD_SMALL) return;
    const leaves: Entry[] = [];
    begun = 0;
    for (let i = stack.length - 1; i >= 0 && leaves.length < BLOCKS_AT_ONCE; i--) {
      const entry = stack[i]!;
      if (entry.leafBytes === undefined || entry.leafBytes > SMALL_FILE_BYTES) break;
      if (entry.reading === undefined) leaves.push(entry);
      else begun++;
    }
    if (leaves.length < BLOCKS_WITHOUT_THREAD) return;
    begun += leaves.length;
    const reading = readMany(leaves.map(({ cid }) => cid)).catch((): (Uint8Array | undefined)[] => []);
    for (const [i, entry] of leaves.entries()) {
      entry.reading = reading.then((found) => found[i] ?? read(entry.cid));
      entry.reading.catch(() => {});
    }
  };
  for (;;) {
    startMany();
    const entry = stack.pop();
    if (entry === undefined) return;
    signal.throwIfAborted();
    const { cid, depth } = entry;
    if (entry.leafBytes !== undefined) begun--;
    if (!seen.add(cid) && !duplicates) continue;
    const inline = identityBlock(cid);
    if (inline === undefined) for (let i = stack.length - 1; i >= Math.max(0, stack.length - ahead); i--) start(stack[i]!);
    const bytes = inline ?? await start(entry);
    if (inline === undefined) yield { cid, bytes };
    if (bytes === undefined || depth >= most) continue;
    // Known links only: duplicates in one node would be read ahead for nothing.
    for (const link of linksOf(cid, bytes).reverse()) {
      if (!duplicates && seen.has(link.cid)) continue;
      stack.push({ cid: link.cid, depth: depth + 1, ...(isHashedLeaf(link.cid) && { leafBytes: link.claimedBytes }) });
      begun = 0;
    }
  }
}
