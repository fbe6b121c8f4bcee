import { randomOf, seedOf } from '../corpus/inputs/random.ts';
import type { LabRun } from '../corpus/lab-run.ts';
import { MAX_HONEST_PAIRS } from './constants.ts';
import type { Job } from './corpus.ts';

/** Two honest runs of one job. */
export interface HonestPair { job: Job; a: LabRun; b: LabRun }

/** All pairs of honest runs of each job, over all conditions; of jobs with very many, a seeded choice. */
export function honestPairs(jobs: readonly Job[]): HonestPair[] {
  return jobs.flatMap((job) => {
    const pairs = job.honest.flatMap((a, i) => job.honest.slice(i + 1).map((b): HonestPair => ({ job, a, b })));
    return pairs.length <= MAX_HONEST_PAIRS ? pairs : randomOf(seedOf('honest', job.name)).shuffle(pairs).slice(0, MAX_HONEST_PAIRS);
  });
}
