import type { OutputProfile } from '../../src/protocol/index.ts';
import { compareFingerprints } from '../../src/evidence/fingerprint/compare-fingerprints.ts';
import { CONTENT_MIN_BYTES, CONTENT_TOLERANCE } from '../../src/evidence/constants.ts';
import type { Submission } from '../attackers/attack.ts';
import type { LabRun } from '../corpus/lab-run.ts';
import { wordSimilarity } from '../corpus/word-minima.ts';
import { submissionFingerprint } from './fingerprints/submission-fingerprint.ts';

/** Words of the outputs that recorded runs left, by their profiles. */
export type KnownWords = WeakMap<OutputProfile, Uint32Array>;

export function knownWords(runs: readonly LabRun[]): KnownWords {
  return new WeakMap(runs.map(({ profile, words }) => [profile, words]));
}

/**
 * Who has a majority if words decide where content does not repeat itself: replicas that the strict tolerances do not bring together, of which
 * more than half have three quarters of their outputs' words in common.
 *
 * @returns undefined where words have no say: a strict majority, none by words either, or an output that was made up, whose words nobody recorded
 */
export function majorityByWords(submissions: readonly Submission[], known: KnownWords): boolean[] | undefined {
  if (submissions.some(({ profile }) => !known.has(profile))) return undefined;
  const compared = submissions.map((a) => submissions.map((b) => compareFingerprints(submissionFingerprint(a), submissionFingerprint(b))));
  if (largest(compared.map((row) => row.map(({ strict }) => strict <= 1))) !== undefined) return undefined;
  return largest(compared.map((row, i) => row.map(({ distance }, j) => distance <= 1 && alike(submissions[i]!, submissions[j]!, known))));
}

function alike(a: Submission, b: Submission, known: KnownWords): boolean {
  if (Math.min(a.profile.bytes, b.profile.bytes) < CONTENT_MIN_BYTES) return true;
  return wordSimilarity(known.get(a.profile)!, known.get(b.profile)!) >= 1 - CONTENT_TOLERANCE;
}

/** The largest group in which all are near each other, if it is more than half. */
function largest(near: readonly boolean[][]): boolean[] | undefined {
  let best: number[] = [];
  for (let i = 0; i < near.length; i++) {
    const clique = [i];
    for (let j = 0; j < near.length; j++) if (j !== i && clique.every((member) => near[member]![j])) clique.push(j);
    if (clique.length > best.length) best = clique;
  }
  return 2 * best.length > near.length ? near.map((_, i) => best.includes(i)) : undefined;
}
