import type { OutputProfile } from '../../../src/protocol/index.ts';
import { NO_CHUNK } from '../../../src/evidence/fingerprint/content-minima.ts';
import type { Random } from '../../corpus/inputs/random.ts';

/** Minima of content lie below this. */
const MINIMUM_LIMIT = 2 ** 26;

/** An output of `bytes` bytes like another in entropy and byte values; it has that one's content only where `keep` (a share) says so. */
export function madeUpProfile(like: OutputProfile, { bytes = like.bytes, keep = 0 }: { bytes?: number; keep?: number }, random: Random): OutputProfile {
  // Shares of segments that have no byte must be 0, of others not: sizes below a segment each keep the original.
  const size = like.bytes < 32 || bytes < 32 ? like.bytes : Math.round(bytes);
  return {
    ...like, bytes: size,
    content: like.content.map((minimum) => (minimum === NO_CHUNK || random.uniform() < keep ? minimum : random.below(MINIMUM_LIMIT))),
  };
}
