import { CID } from 'multiformats/cid';
import type { LocalBlocks } from '../blocks/local-blocks.ts';
import { verifyBlock } from '../blocks/verify.ts';
import type { Catalogue, ShelvedFile } from '../shelf/catalogue.ts';
import type { Child } from './child-list.ts';
import { isHashedLeaf, isLeaf, linksOf } from './links.ts';
import { FILES_SHELF } from './reference-file.ts';

/** Whether files below a path were referenced before. */
export async function isKnownBelow(catalogue: Catalogue, path: string): Promise<boolean> {
  if ((await catalogue.fileAt(path))?.shelf === FILES_SHELF) return true;
  for await (const file of catalogue.files(FILES_SHELF, `${path}/`)) return file !== undefined;
  return false;
}

/** The CID of a file that is one block, as it was referenced; undefined when it was not, or is not any more what it was. */
export function knownLeaf(known: ShelvedFile | undefined, identity: string): CID | undefined {
  const [root] = isSame(known, identity) && known.blocks === 1 ? known.roots : [];
  const cid = root === undefined ? undefined : CID.parse(root);
  return cid !== undefined && isHashedLeaf(cid) ? cid : undefined;
}

/**
 * A file as it was referenced, without reading its bytes; undefined when it was not, is not any more what it was (see `identityOf`), or the nodes above its leaves are
 * not all here and right.
 *
 * @param onBlock told of the bytes of each of its blocks
 */
export async function knownFile(blocks: Pick<LocalBlocks, 'readOwn' | 'sweep'>, known: ShelvedFile | undefined, identity: string, size: bigint, onBlock: (bytes: number) => void): Promise<Child | undefined> {
  const leaf = knownLeaf(known, identity);
  if (leaf !== undefined) {
    onBlock(Number(size));
    return { cid: leaf, size };
  }
  const [root] = isSame(known, identity) ? known.roots : [];
  if (root === undefined) return undefined;
  const cid = CID.parse(root);
  const lengths: number[] = [];
  let weight = 0n;
  const waiting = [cid];
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    const node = isLeaf(next) ? undefined : await blocks.readOwn(next);
    if (node === undefined) return undefined;
    try {
      verifyBlock(next, node);
      for (const { cid: below, claimedBytes } of linksOf(next, node)) {
        if (!isLeaf(below)) {
          waiting.push(below);
          continue;
        }
        lengths.push(claimedBytes);
        weight += BigInt(claimedBytes);
      }
    } catch {
      // What is damaged is made anew; what is here would not be written over.
      await blocks.sweep([next]);
      return undefined;
    }
    lengths.push(node.length);
    weight += BigInt(node.length);
  }
  for (const bytes of lengths) onBlock(bytes);
  return { cid, size: weight };
}

function isSame(known: ShelvedFile | undefined, identity: string): known is ShelvedFile {
  return known?.shelf === FILES_SHELF && known.problem === undefined && known.roots.length === 1 && known.identity === identity;
}
