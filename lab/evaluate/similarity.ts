import { likeness } from '../../src/evidence/judge/copies.ts';
import type { Trace } from '../../src/protocol/index.ts';

/** A measure of how much two traces share beyond what the program dictates; higher is more alike. */
export interface SimilarityPlugin {
  name: string;
  about: string;
  prepare(traces: readonly Trace[]): (a: number, b: number) => number;
}

/** What a client flags copies by. */
export const copyLikeness: SimilarityPlugin = {
  name: 'likeness',
  about: 'paths through time and counters too close, or steps too alike (src/evidence/judge/copies.ts); 1 is the limit',
  prepare: (traces) => (a, b) => likeness(traces[a]!, traces[b]!),
};
