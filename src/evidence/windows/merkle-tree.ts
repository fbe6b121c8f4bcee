import { createHash } from 'node:crypto';

/** One byte in front of what is hashed, so that a leaf cannot pass for an inner node nor the other way round (RFC 9162, 2.1.1). */
const LEAF = Uint8Array.of(0);
const INNER = Uint8Array.of(1);
const ROOT = Uint8Array.of(2);

/** A tree of SHA-256 hashes; `levels[0]` are the leaves' hashes, the last level is one hash. */
export interface MerkleTree { levels: Uint8Array[][]; root: Uint8Array }

/** SHA-256(0 || leaf). */
export function hashLeaf(leaf: Uint8Array): Uint8Array {
  return sha256(LEAF, leaf);
}

/**
 * Tree over leaf hashes: neighbours are joined by SHA-256(1 || left || right), a last one without neighbour moves up as it is. The root
 * is SHA-256(2 || number of leaves, 32 bits, big-endian || top), so that it says how many leaves there are.
 *
 * @param leaves hashes of one leaf or more
 */
export function merkleTree(leaves: Uint8Array[]): MerkleTree {
  const levels = [leaves];
  while (levels.at(-1)!.length > 1) {
    const below = levels.at(-1)!;
    levels.push(Array.from({ length: Math.ceil(below.length / 2) }, (_, i) => (
      2 * i + 1 < below.length ? sha256(INNER, below[2 * i]!, below[2 * i + 1]!) : below[2 * i]!)));
  }
  return { levels, root: rootOf(leaves.length, levels.at(-1)![0]!) };
}

/** The hashes beside the way from a leaf to the top, from below. */
export function merkleProof({ levels }: MerkleTree, index: number): Uint8Array[] {
  const proof: Uint8Array[] = [];
  for (const [height, level] of levels.slice(0, -1).entries()) {
    const beside = level[(index >> height) ^ 1];
    if (beside !== undefined) proof.push(beside);
  }
  return proof;
}

/** Whether the leaf of this hash is at this place of a tree of so many leaves with this root. */
export function verifyMerkleProof(root: Uint8Array, leafHash: Uint8Array, index: number, leaves: number, proof: readonly Uint8Array[]): boolean {
  if (!Number.isInteger(index) || index < 0 || index >= leaves) return false;
  let hash = leafHash;
  let used = 0;
  for (let at = index, width = leaves; width > 1; at >>= 1, width = Math.ceil(width / 2)) {
    if ((at ^ 1) >= width) continue;
    const beside = proof[used++];
    if (beside?.length !== 32) return false;
    hash = at % 2 === 0 ? sha256(INNER, hash, beside) : sha256(INNER, beside, hash);
  }
  return used === proof.length && Buffer.compare(rootOf(leaves, hash), root) === 0;
}

function rootOf(leaves: number, top: Uint8Array): Uint8Array {
  const count = new Uint8Array(4);
  new DataView(count.buffer).setUint32(0, leaves);
  return sha256(ROOT, count, top);
}

function sha256(...parts: Uint8Array[]): Uint8Array {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(part);
  return new Uint8Array(hash.digest());
}
