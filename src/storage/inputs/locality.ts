import type { CID } from 'multiformats/cid';
import { BlockSet } from '../blocks/block-set.ts';
import { BLOCKS_WITHOUT_THREAD, MAX_DAG_DEPTH } from '../constants.ts';
import { isLeaf, linksOf, type Link } from '../unixfs/links.ts';
import type { LocalBlocks } from '../blocks/local-blocks.ts';
import { identityBlock } from '../blocks/verify.ts';

/** How much of a DAG is on this machine. */
export interface Locality {
  heldBytes: number;
  /** Held blocks. */
  blocks: number;
  /** Held blocks by their size, missing ones by what their parents claim; 0 when not even the root is here. */
  totalBytes: number;
  /** heldBytes / totalBytes; 1 only when every block is here. */
  share: number;
}

/** Measures a DAG without any network. A block that is malformed counts as missing. @throws the signal's reason */
export async function measureLocality(blocks: LocalBlocks, root: CID, { signal }: { signal?: AbortSignal } = {}): Promise<Locality> {
  const seen = new BlockSet();
  seen.add(root);
  const waiting = [{ cid: root, claimedBytes: 0, depth: 0 }];
  let held = 0;
  let heldBlocks = 0;
  let missing = 0;
  let complete = true;
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    signal?.throwIfAborted();
    const { cid, claimedBytes, depth } = next;
    const place = placeOf(cid);
    const node = isLeaf(cid) || place === 'nowhere' ? undefined : await blocks.read(cid, { signal });
    const size = place === 'disk' ? node?.length ?? (isLeaf(cid) ? await blocks.sizeOf(cid) : undefined) : place === 'cid' ? 0 : undefined;
    const links = size === undefined ? undefined : node === undefined ? [] : readLinks(cid, node);
    if (size === undefined || links === undefined || depth > MAX_DAG_DEPTH) {
      complete = false;
      missing += claimedBytes;
      continue;
    }
    held += size;
    heldBlocks++;
    const fresh = links.filter((link) => seen.add(link.cid));
    const leaves = fresh.filter((link) => isLeaf(link.cid) && placeOf(link.cid) === 'disk');
    const sizes = leaves.length < BLOCKS_WITHOUT_THREAD || depth >= MAX_DAG_DEPTH ? [] : await blocks.sizesOfOwn(leaves.map((link) => link.cid));
    const measured = new Set<Link>();
    for (const [i, bytes] of sizes.entries()) {
      if (bytes < 0) continue;
      measured.add(leaves[i]!);
      held += bytes;
      heldBlocks++;
    }
    for (const link of fresh) if (!measured.has(link)) waiting.push({ ...link, depth: depth + 1 });
  }
  const totalBytes = held + missing;
  // A parent may claim nothing for what is missing; incomplete is never 1.
  const share = complete ? 1 : totalBytes === 0 ? 0 : Math.min(held / totalBytes, 0.9999);
  return { heldBytes: held, blocks: heldBlocks, totalBytes, share };
}

/** Where a block is if it is here; one whose identity CID is over the limit is nowhere. */
function placeOf(cid: CID): 'disk' | 'cid' | 'nowhere' {
  try {
    return identityBlock(cid) === undefined ? 'disk' : 'cid';
  } catch {
    return 'nowhere';
  }
}

function readLinks(cid: CID, node: Uint8Array): Link[] | undefined {
  try {
    return linksOf(cid, node);
  } catch {
    return undefined;
  }
}
