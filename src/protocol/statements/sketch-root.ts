import type { Hex } from 'viem';
import { concat, keccak256 } from 'viem/utils';
import { zeroHash } from '../base/words.ts';

/**
 * Root of the Merkle tree over the sketches of all shards, in order: leaf = keccak256(sketch), inner = keccak256(0x01 || left || right),
 * complete, padded with zero leaves to the next power of two. Of one sketch it is the sketch's hash. A sketch begins with its version,
 * and is far longer than two hashes: it cannot pass for an inner node.
 */
export function sketchRootOf(sketches: readonly Hex[]): Hex {
  return levelsOf(sketches).at(-1)![0]!;
}

/** What leads from one shard's sketch to the root, from its leaf up. */
export function sketchProofOf(sketches: readonly Hex[], shard: number): Hex[] {
  if (!Number.isInteger(shard) || shard < 0 || shard >= sketches.length) throw new RangeError(`there is no shard ${shard} among ${sketches.length}`);
  return levelsOf(sketches).slice(0, -1).map((level, height) => level[Math.floor(shard / 2 ** height) ^ 1] ?? zeroHash);
}

/** The root that a sketch and its proof lead to, as leaf number `shard`. */
export function sketchRootFrom(sketch: Hex, proof: readonly Hex[], shard: number): Hex {
  return proof.reduce<Hex>((root, other, height) => (Math.floor(shard / 2 ** height) % 2 === 0 ? inner(root, other) : inner(other, root)), keccak256(sketch));
}

/** How high the tree is: the length of every proof. */
export function sketchProofLength(shards: number): number {
  return Math.ceil(Math.log2(shards));
}

/** From the leaves, padded, to the root. */
function levelsOf(sketches: readonly Hex[]): Hex[][] {
  if (sketches.length === 0) throw new RangeError('there is no shard');
  const padded = 2 ** sketchProofLength(sketches.length);
  let level: Hex[] = [...sketches.map((sketch) => keccak256(sketch)), ...Array.from({ length: padded - sketches.length }, () => zeroHash)];
  const levels = [level];
  while (level.length > 1) {
    const below = level;
    level = Array.from({ length: below.length / 2 }, (_, i) => inner(below[2 * i]!, below[2 * i + 1]!));
    levels.push(level);
  }
  return levels;
}

function inner(left: Hex, right: Hex): Hex {
  return keccak256(concat(['0x01', left, right]));
}
