import { compareFingerprints } from '../fingerprint/compare-fingerprints.ts';
import { explainBlock } from './explain-block.ts';
import type { Fingerprint } from '../fingerprint/fingerprint.ts';

/** Differences named in one sentence. */
const MAX_NAMED = 3;

/**
 * Says in words what tells a replica from a reference: `reads 48 % fewer bytes (99.2 MiB instead of 190.7 MiB); peak memory 3.1x lower
 * (82 MiB instead of 256 MiB)`. The worst blocks come first; blocks within tolerance, or the strict one, are left out.
 */
export function explainDifference(reference: Fingerprint, replica: Fingerprint, { strict = false }: { strict?: boolean } = {}): string {
  const { blocks, ...worst } = compareFingerprints(reference, replica);
  const distance = strict ? worst.strict : worst.distance;
  if (distance === Infinity) return 'too few channels in common to compare';
  const by = strict ? 'strict' as const : 'distance' as const;
  const beyond = blocks.filter((block) => block[by] > 1).sort((a, b) => b[by] - a[by]);
  if (beyond.length === 0) return `within tolerance (distance ${distance.toFixed(2)} of 1)`;
  const named = beyond.slice(0, MAX_NAMED).map(({ name }) => explainBlock(name, reference, replica));
  const more = beyond.length - named.length;
  return `${named.join('; ')}${more > 0 ? `; and ${more} more` : ''} (distance ${distance < 10 ? distance.toFixed(1) : Math.round(distance)}, 1 is the limit)`;
}
