import type { Attack, Submission } from '../attackers/attack.ts';
import { randomOf, seedOf } from '../corpus/inputs/random.ts';
import type { LabRun } from '../corpus/lab-run.ts';
import { validateProfile } from '../../src/evidence/fingerprint/validate-profile.ts';
import { validateTrace } from '../../src/evidence/trace/validate-trace.ts';
import { SUBMISSIONS, TARGETS } from './constants.ts';
import type { Job } from './corpus.ts';
import { knowledgeOf } from './knowledge-of.ts';

/** One cheat's submission and whom it will be compared with. */
export interface Forgery {
  job: Job;
  attack: string;
  submission: Submission;
  /** Honest runs of the job that the cheat has not seen. */
  targets: LabRun[];
  /** All of them: what the client may know of the job from before. */
  unseen: LabRun[];
  /** The true run it hands in, in disguise or not. */
  source?: LabRun;
}

/** Samplers look this often unless told otherwise, ms. */
const USUAL_INTERVAL_MS = 20;

/**
 * All forgeries of some attacks on some jobs; the same each time.
 *
 * @param jobs attacked
 * @param corpus all jobs: what cheats learn from and take other programs from
 * @throws EvidenceError TRACE_INVALID or PROFILE_INVALID when an attack hands in what no sampler can have written: that would be its fault, not a detection
 */
export function forgeAll(attacks: readonly Attack[], jobs: readonly Job[], corpus: readonly Job[] = jobs): Forgery[] {
  return jobs.flatMap((job) => attacks.flatMap((attack) => Array.from({ length: SUBMISSIONS }, (_, n): Forgery | undefined => {
    const random = randomOf(seedOf('forge', job.name, attack.name, n));
    const { knowledge, others, source } = knowledgeOf(attack, job, corpus, n, random);
    const { input, condition } = job.honest[0]!;
    const terms = { program: job.name, inputBytes: input.bytes, engine: condition.engine, intervalMs: USUAL_INTERVAL_MS };
    const submission = others.length === 0 ? undefined : attack.forge({ job: terms, random, ...knowledge });
    if (submission === undefined) return undefined;
    validateTrace(submission.trace);
    validateProfile(submission.profile);
    return { job, attack: attack.name, submission, targets: random.shuffle(others).slice(0, TARGETS), unseen: others, ...(source === undefined ? {} : { source }) };
  })).filter((forgery) => forgery !== undefined));
}
