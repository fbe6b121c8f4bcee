import type { Attack } from '../attackers/attack.ts';
import { detect, type FingerprintResult } from './detection.ts';
import type { Forgery } from './forge-all.ts';
import type { HonestPair } from './honest-pairs.ts';
import { measure } from './measure.ts';
import type { SimilarityPlugin } from './similarity.ts';

/**
 * How well copies are told from honest runs by agreeing too much: a submission is compared with the run it was made from, honest pairs
 * with each other; a similarity above the threshold, again from the other programs only, is a copy.
 */
export function detectCopies(plugin: SimilarityPlugin, pairs: readonly HonestPair[], forgeries: readonly Forgery[], attacks: readonly Attack[]): FingerprintResult {
  const copying = attacks.filter(({ copies }) => copies !== undefined);
  const withSource = forgeries.filter((forgery) => forgery.source !== undefined).map((forgery) => ({ ...forgery, targets: [forgery.source!] }));
  const measured = measure({
    name: plugin.name, about: plugin.about, kind: 'fingerprint',
    // Flagged when beyond a threshold, as distances are.
    prepare: (submissions) => plugin.prepare(submissions.map(({ trace }) => trace)),
  }, pairs, withSource);
  return detect(measured, pairs, withSource, copying);
}
