import type { LabRun } from '../../corpus/lab-run.ts';
import type { Submission } from '../attack.ts';

/** What a run left, handed in as it is. */
export function asSubmitted({ trace, profile, resultDigest }: LabRun): Submission {
  return { trace, profile, resultDigest };
}
