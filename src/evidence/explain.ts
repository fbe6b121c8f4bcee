import { compareFingerprints } from './compare-fingerprints.ts';
import { BLOCKS, CONTENT_BLOCK, type BlockName } from './constants.ts';
import { contentSimilarity } from './content-minima.ts';
import type { Fingerprint } from './fingerprint.ts';

/** Differences named in one sentence. */
const MAX_NAMED = 3;

/** How a total reads in a sentence, given how much `less` or `more` of it there is. */
const TOTALS: Partial<Record<BlockName, { less: string; more: string; none: string; say: (amount: string) => string }>> = {
  'peak memory': { less: 'lower', more: 'higher', none: 'hardly any memory', say: (amount) => `peak memory ${amount}` },
  'page faults': { less: 'fewer', more: 'more', none: 'hardly any page faults', say: (amount) => `${amount} page faults` },
  'bytes read': { less: 'fewer', more: 'more', none: 'reads hardly anything', say: (amount) => `reads ${amount} bytes` },
  'bytes written': { less: 'fewer', more: 'more', none: 'writes hardly anything', say: (amount) => `writes ${amount} bytes` },
  'read calls': { less: 'fewer', more: 'more', none: 'hardly any read calls', say: (amount) => `${amount} read calls` },
  'write calls': { less: 'fewer', more: 'more', none: 'hardly any write calls', say: (amount) => `${amount} write calls` },
  'CPU time': { less: 'less', more: 'more', none: 'hardly any CPU time', say: (amount) => `${amount} CPU time` },
  instructions: { less: 'fewer', more: 'more', none: 'no instructions', say: (amount) => `${amount} instructions` },
  'output size': { less: 'smaller', more: 'larger', none: 'hardly any output', say: (amount) => `output ${amount}` },
};

/** Below this share of the reference a total is called none: a factor of millions tells nobody anything. */
const NEXT_TO_NOTHING = 1e-3;

/**
 * Says in words what tells a replica from a reference: `reads 48 % fewer bytes; peak memory 3.1x lower; reading over work takes
 * another course`. The worst blocks come first; blocks within tolerance, or the strict one, are left out.
 */
export function explainDifference(reference: Fingerprint, replica: Fingerprint, { strict = false }: { strict?: boolean } = {}): string {
  const { blocks, ...worst } = compareFingerprints(reference, replica);
  const distance = strict ? worst.strict : worst.distance;
  if (distance === Infinity) return 'too few channels in common to compare';
  const by = strict ? 'strict' as const : 'distance' as const;
  const beyond = blocks.filter((block) => block[by] > 1).sort((a, b) => b[by] - a[by]);
  if (beyond.length === 0) return `within tolerance (distance ${distance.toFixed(2)} of 1)`;
  const named = beyond.slice(0, MAX_NAMED).map(({ name }) => phrase(name, reference, replica));
  const more = beyond.length - named.length;
  return `${named.join('; ')}${more > 0 ? `; and ${more} more` : ''} (distance ${distance < 10 ? distance.toFixed(1) : Math.round(distance)}, 1 is the limit)`;
}

function phrase(name: BlockName, reference: Fingerprint, replica: Fingerprint): string {
  const at = offsetOf(name);
  const total = TOTALS[name];
  if (total !== undefined) {
    // Both logarithms have the same noise floor, so it cancels.
    const factor = (2 ** replica.features[at]! - 1) / (2 ** reference.features[at]! - 1);
    return factor < NEXT_TO_NOTHING ? total.none : total.say(amount(factor, factor < 1 ? total.less : total.more));
  }
  if (name === 'output entropy') {
    const [was, is] = [mean(name, reference), mean(name, replica)];
    return Math.abs(is - was) < 0.05
      ? 'entropy along the output differs'
      : `output entropy ${is.toFixed(1)} instead of ${was.toFixed(1)} bits a byte`;
  }
  if (name === CONTENT_BLOCK) {
    const similarity = contentSimilarity(reference.content!, replica.content!);
    return similarity < 0.1 ? 'output with other content' : `${Math.round((1 - similarity) * 100)} % of the output's content differs`;
  }
  return name === 'output byte values' ? 'other byte values in the output' : `${name} takes another course`;
}

function amount(factor: number, word: string): string {
  if (factor === Infinity) return word;
  if (factor >= 2) return `${short(factor)}x ${word}`;
  if (factor <= 0.5) return `${short(1 / factor)}x ${word}`;
  return `${Math.abs(Math.round((factor - 1) * 1000) / 10)} % ${word}`;
}

function short(factor: number): string {
  return factor < 10 ? String(Math.round(factor * 10) / 10) : Math.round(factor).toLocaleString('en');
}

function mean(name: BlockName, { features }: Fingerprint): number {
  const at = offsetOf(name);
  const { count } = BLOCKS.find((block) => block.name === name)!;
  return features.subarray(at, at + count).reduce((sum, value) => sum + value, 0) / count;
}

function offsetOf(name: BlockName): number {
  return BLOCKS.slice(0, BLOCKS.findIndex((block) => block.name === name)).reduce((sum, { count }) => sum + count, 0);
}
