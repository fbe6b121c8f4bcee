import { concat, keccak256, zeroHash, type Hex } from 'viem';

/** In front of two joined hashes, so that none of them passes for a sketch's. */
const INNER: Hex = '0x01';

/**
 * Root of the tree over the sketches of a job's shards, as the contract computes it: leaf = keccak256(sketch), inner =
 * keccak256(0x01 || left || right), complete, padded with zero leaves to the next power of two. Of one shard it is the leaf.
 *
 * @param sketches of one shard or more, by shard
 */
export function sketchRoot(sketches: readonly Hex[]): Hex {
  return levelsOf(sketches).at(-1)![0]!;
}

/** The hashes beside the way from a shard's leaf to the root, from below. */
export function sketchProof(sketches: readonly Hex[], shard: number): Hex[] {
  return levelsOf(sketches).slice(0, -1).map((level, height) => level[(shard >> height) ^ 1]!);
}

/** The root that a sketch at this place and the hashes beside its way lead to. */
export function sketchRootFrom(sketch: Hex, shard: number, proof: readonly Hex[]): Hex {
  return proof.reduce((hash, beside, height) => ((shard >> height) % 2 === 0 ? join(hash, beside) : join(beside, hash)), keccak256(sketch));
}

function levelsOf(sketches: readonly Hex[]): Hex[][] {
  const width = 2 ** Math.ceil(Math.log2(sketches.length));
  const levels = [Array.from({ length: width }, (_, shard) => (shard < sketches.length ? keccak256(sketches[shard]!) : zeroHash))];
  while (levels.at(-1)!.length > 1) {
    const below = levels.at(-1)!;
    levels.push(Array.from({ length: below.length / 2 }, (_, i) => join(below[2 * i]!, below[2 * i + 1]!)));
  }
  return levels;
}

function join(left: Hex, right: Hex): Hex {
  return keccak256(concat([INNER, left, right]));
}
