import type { Submission } from '../attackers/attack.ts';

/** A way to tell whether two nodes did the same work. */
export interface FingerprintPlugin {
  name: string;
  /** What it looks at and where its formula comes from. */
  about: string;
  /** `tried`: a block that the product does not have, because it did not help; `blinded`: the product's with channels missing. */
  kind: 'fingerprint' | 'baseline' | 'tried' | 'blinded';
  /** Distance up to which two replicas agree, where the product or its author fixed one. */
  deployed?: number;
  /** Prepares everything once; then gives distances of pairs by their places in the list. */
  prepare(submissions: readonly Submission[]): (a: number, b: number) => number;
}

/** A plugin out of a feature extractor and a distance between what it gives. */
export function definePlugin<F>(plugin: Omit<FingerprintPlugin, 'prepare'> & { of(submission: Submission): F; distance(a: F, b: F): number }): FingerprintPlugin {
  const { of, distance, ...rest } = plugin;
  return {
    ...rest,
    prepare(submissions) {
      const features = submissions.map((submission) => of(submission));
      return (a, b) => distance(features[a]!, features[b]!);
    },
  };
}
