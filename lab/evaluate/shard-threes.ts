import { majorityOf } from '../../src/evidence/judge/majority.ts';
import type { LabRun } from '../corpus/lab-run.ts';
import { jobsOf, type Job } from './corpus.ts';
import { submissionSketch } from './fingerprints/submission-fingerprint.ts';

/** Numbers of shards that the threshold is looked at for. */
const SHARDS = [1, 2, 8, 60, 1000, 10_000];
/** Recorded runs that stand for a shard in which somebody did less, or something else. */
const CHEATS: Record<keyof Job['own'], string> = {
  halfInput: 'half of the input', mostInput: '90 % of the input', nearlyAllInput: '99 % of the input', halfWork: 'half of the work', mostWork: '90 % of the work', otherInput: 'another input',
};

/** Of threes of runs as one of n shards, the share in which somebody was told apart: of the honest anybody, of the others the cheat. */
export interface ShardThrees { what: string; threes: number; told: { shards: number; share: number }[] }

/** What the contract finds in one of n shards: each run, honest or not, between every two honest ones of its job that follow each other. */
export function shardThrees(runs: readonly LabRun[]): ShardThrees[] {
  const jobs = jobsOf(runs);
  const row = (what: string, odd: (job: Job) => readonly LabRun[], isTold: (majority: readonly number[]) => boolean): ShardThrees => {
    const threes = jobs.flatMap((job) => odd(job).flatMap((run) => {
      const others = job.honest.filter((other) => other !== run);
      return others.slice(1).map((other, i) => [others[i]!, run, other].map((one) => ({ sketch: submissionSketch(one), resultDigest: one.resultDigest })));
    }));
    return { what, threes: threes.length, told: SHARDS.map((shards) => {
      const told = threes.filter((three) => {
        const majority = majorityOf(three, shards);
        return majority.length > 0 && isTold(majority);
      }).length;
      return { shards, share: threes.length === 0 ? 0 : told / threes.length };
    }) };
  };
  return [
    row('an honest run', ({ honest }) => honest, (majority) => majority.length < 3),
    ...Object.entries(CHEATS).map(([kind, what]) => row(what, ({ own }) => own[kind as keyof Job['own']], (majority) => !majority.includes(1))),
  ];
}
