import { judgeReplicas, type JudgedReplica } from '../../src/evidence/judge/judge.ts';
import { majorityOf } from '../../src/evidence/judge/majority.ts';
import type { Attack, Submission } from '../attackers/attack.ts';
import { randomOf, seedOf, type Random } from '../corpus/inputs/random.ts';
import type { LabRun } from '../corpus/lab-run.ts';
import { DECISIONS } from './constants.ts';
import type { Job } from './corpus.ts';
import { clusters } from './detection.ts';
import type { Forgery } from './forge-all.ts';
import { rateOf } from './statistics/rate.ts';
import { majorityByWords, type KnownWords } from './words.ts';
import { submissionFingerprint, submissionSketch } from './fingerprints/submission-fingerprint.ts';

/** Who decides: the client over whole evidence, the contract over sketches, or a client that knew the outputs' words as well (which is not in use). */
export const JUDGES = ['client', 'contract', 'words'] as const;
export type Judge = (typeof JUDGES)[number];

/** How decisions of three came out, as shares. */
export interface Outcomes {
  decisions: number;
  /** Exactly the honest were accepted. */
  right: number;
  /** Its 95 % interval: decisions of one program share its runs. */
  ci: [low: number, high: number];
  /** A cheat was accepted, but no honest replica rejected. */
  cheatPaid: number;
  /** An honest replica was rejected. */
  honestRejected: number;
  /** No majority: nobody was accused. */
  undecided: number;
}

/** A replica in a decision of three. */
interface Seat { submission: Submission; exitCode: number; honest: boolean }

/** Three replicas of one program. */
interface Three { family: string; seats: readonly Seat[] }

/** Three honest replicas: any rejection is a wrong one. */
export function honestDecisions(jobs: readonly Job[], words: KnownWords): Record<Judge, Outcomes> {
  return tally(words, jobs.filter(({ honest }) => honest.length >= 3).flatMap((job) => {
    const random = randomOf(seedOf('decide', job.name));
    return Array.from({ length: DECISIONS }, (): Three => ({ family: job.family, seats: random.shuffle([...job.honest]).slice(0, 3).map(seatOf) }));
  }));
}

/** One cheat beside two honest replicas, or two accomplices beside one. */
export function attackedDecisions(attack: Attack, forgeries: readonly Forgery[], cheats: 1 | 2, words: KnownWords): Record<Judge, Outcomes> {
  const byJob = Map.groupBy(forgeries.filter((forgery) => forgery.attack === attack.name), ({ job }) => job);
  return tally(words, [...byJob].flatMap(([job, all]) => {
    const random = randomOf(seedOf('decide', job.name, attack.name, cheats));
    return Array.from({ length: DECISIONS }, (_, n) => seats(all[n % all.length]!, cheats, random)).filter((three) => three !== undefined).map((three): Three => ({ family: job.family, seats: three }));
  }));
}

/** Two cheats hand in one and the same: nothing a pair of accomplices could do is closer. */
function seats({ submission, targets }: Forgery, cheats: 1 | 2, random: Random): Seat[] | undefined {
  const honest = random.shuffle([...targets]).slice(0, 3 - cheats);
  if (honest.length < 3 - cheats) return undefined;
  const { exitCode } = honest[0]!;
  return random.shuffle([...honest.map(seatOf), ...Array.from({ length: cheats }, (): Seat => ({ submission, exitCode, honest: false }))]);
}

function seatOf(run: LabRun): Seat {
  return { submission: run, exitCode: run.exitCode, honest: true };
}

function tally(words: KnownWords, all: readonly Three[]): Record<Judge, Outcomes> {
  const count = (judge: Judge): Outcomes => {
    const sums = { right: 0, cheatPaid: 0, honestRejected: 0, undecided: 0 };
    const right: [family: string, hits: number, trials: number][] = [];
    for (const { family, seats: three } of all) {
      const out = outcome(three, VERDICTS[judge](three, words));
      sums[out]++;
      right.push([family, Number(out === 'right'), 1]);
    }
    const share = (value: number) => (all.length === 0 ? 0 : value / all.length);
    return { decisions: all.length, right: share(sums.right), ci: rateOf([...clusters(right).values()]).ci, cheatPaid: share(sums.cheatPaid), honestRejected: share(sums.honestRejected), undecided: share(sums.undecided) };
  };
  return { client: count('client'), contract: count('contract'), words: count('words') };
}

function outcome(three: readonly Seat[], agreed: readonly boolean[] | undefined): 'right' | 'cheatPaid' | 'honestRejected' | 'undecided' {
  if (agreed === undefined) return 'undecided';
  if (three.some(({ honest }, i) => honest && !agreed[i])) return 'honestRejected';
  return three.some(({ honest }, i) => !honest && agreed[i]) ? 'cheatPaid' : 'right';
}

/** Who is accepted, as each judge decides; undefined without a majority. */
const VERDICTS: Record<Judge, (three: readonly Seat[], words: KnownWords) => boolean[] | undefined> = {
  client(three) {
    const replicas = three.map(({ submission, exitCode }): JudgedReplica => ({ resultCid: submission.resultDigest, exitCode, ended: 'exit', fingerprint: submissionFingerprint(submission) }));
    const { agreed, undecided } = judgeReplicas(replicas, 'trace');
    return undecided ? undefined : agreed;
  },
  contract(three) {
    const majority = majorityOf(three.map(({ submission }) => ({ sketch: submissionSketch(submission), resultDigest: submission.resultDigest })));
    return majority.length === 0 ? undefined : three.map((_, i) => majority.includes(i));
  },
  words: (three, words) => majorityByWords(three.map(({ submission }) => submission), words) ?? VERDICTS.client(three, words),
};
