import type { Random } from '../../corpus/inputs/random.ts';

/** The digest of a result that nobody has. */
export function madeUpDigest(random: Random): `0x${string}` {
  return `0x${Array.from({ length: 64 }, () => random.below(16).toString(16)).join('')}`;
}
