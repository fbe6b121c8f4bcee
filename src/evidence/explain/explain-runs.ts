import { compareFingerprints } from '../fingerprint/compare-fingerprints.ts';
import { BLOCKS, CONTENT_BLOCK, type BlockName } from '../constants.ts';
import { amountOf, explainBlock } from './explain-block.ts';
import type { Fingerprint } from '../fingerprint/fingerprint.ts';

/** A comparison of two runs in full, for people. */
export interface Explanation {
  /** The worst block's distance, 1 being the limit; Infinity when the two cannot be compared. */
  distance: number;
  /** Blocks beyond the limit, the worst first, in words. */
  differs: { block: BlockName; distance: number; text: string }[];
  /** Blocks within the limit, with the second run's amount where there is one. */
  agrees: { block: BlockName; distance: number; text: string }[];
  /** Blocks that one run or both do not have: what was cheated on there stays unseen. */
  missing: { block: BlockName; from: 'first' | 'second' | 'both' }[];
}

/** Says of every block whether it told two runs apart, agreed, or could not be compared. */
export function explainRuns(first: Fingerprint, second: Fingerprint): Explanation {
  const { blocks, distance } = compareFingerprints(first, second);
  const has = (run: Fingerprint, name: BlockName): boolean => {
    if (name === CONTENT_BLOCK) return run.content !== undefined;
    const place = BLOCKS.findIndex((block) => block.name === name);
    return !Number.isNaN(run.features[BLOCKS.slice(0, place).reduce((sum, { count }) => sum + count, 0)]!);
  };
  const names: BlockName[] = [...BLOCKS.map(({ name }) => name), CONTENT_BLOCK];
  return {
    distance,
    differs: blocks.filter((block) => block.distance > 1).sort((a, b) => b.distance - a.distance)
      .map(({ name, distance: far }) => ({ block: name, distance: far, text: explainBlock(name, first, second) })),
    agrees: blocks.filter((block) => block.distance <= 1)
      .map(({ name, distance: far }) => ({ block: name, distance: far, text: [name, amountOf(name, second)].filter(Boolean).join(' ') })),
    missing: names.flatMap((block) => {
      const [a, b] = [has(first, block), has(second, block)];
      return a && b ? [] : [{ block, from: a ? 'second' as const : b ? 'first' as const : 'both' as const }];
    }),
  };
}
