import { fingerprintOf } from '../../../src/evidence/fingerprint/fingerprint.ts';
import { sketchOf } from '../../../src/evidence/fingerprint/sketch.ts';
import type { Submission } from '../../attackers/attack.ts';

/** A submission's fingerprint, computed once: several plugins and the judges want it. */
export const submissionFingerprint = once((submission) => fingerprintOf(submission.trace, submission.profile));

/** A submission's sketch, computed once. */
export const submissionSketch = once((submission) => sketchOf(submissionFingerprint(submission)));

function once<T extends object>(of: (submission: Submission) => T): (submission: Submission) => T {
  const known = new WeakMap<Submission, T>();
  return (submission) => {
    let value = known.get(submission);
    if (value === undefined) known.set(submission, value = of(submission));
    return value;
  };
}
