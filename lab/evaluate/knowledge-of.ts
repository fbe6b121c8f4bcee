import type { Attack, Knowledge } from '../attackers/attack.ts';
import type { Random } from '../corpus/inputs/random.ts';
import type { LabRun } from '../corpus/lab-run.ts';
import { CORPUS_RUNS, EARLIER_RUNS } from './constants.ts';
import type { Job } from './corpus.ts';

/** What one cheat knows, and which honest runs of the job are thereby out of the comparison. */
export interface Briefing {
  knowledge: Partial<Knowledge>;
  /** Honest runs of the job that no cheat saw: his peers are among these. */
  others: LabRun[];
  /** The true run that a copying attack hands in. */
  source?: LabRun;
}

/** Deals a cheat what its attack says it knows, and nothing else; the n-th cheat gets the n-th of its own recorded runs. */
export function knowledgeOf(attack: Attack, job: Job, jobs: readonly Job[], n: number, random: Random): Briefing {
  const deck = random.shuffle([...job.honest]);
  const own = (runs: readonly LabRun[]) => runs[n % Math.max(1, runs.length)];
  const elsewhere = () => jobs.filter(({ family }) => family !== job.family);
  const deal: { [K in keyof Knowledge]: () => Knowledge[K] | undefined } = {
    honest: () => deck.pop(),
    peer: () => deck.pop(),
    // Half of the runs at most, so that there are honest ones left to compare with.
    earlier: () => deck.splice(0, Math.min(EARLIER_RUNS, job.honest.length >> 1)),
    result: () => {
      const run = deck.pop();
      return run && { profile: run.profile, resultDigest: run.resultDigest };
    },
    halfInput: () => own(job.own.halfInput),
    mostInput: () => own(job.own.mostInput),
    nearlyAllInput: () => own(job.own.nearlyAllInput),
    halfWork: () => own(job.own.halfWork),
    mostWork: () => own(job.own.mostWork),
    otherInput: () => own(job.own.otherInput),
    otherProgram: () => { const rest = elsewhere(); return rest.length === 0 ? undefined : random.pick(random.pick(rest).honest); },
    corpus: () => {
      const sizes = jobs.filter(({ family, name }) => family === job.family && name !== job.name);
      return random.shuffle([...job.own.otherInput, ...sizes.flatMap(({ honest, own: { otherInput } }) => [...honest.slice(0, CORPUS_RUNS >> 1), ...otherInput])]).slice(0, CORPUS_RUNS);
    },
  };
  const entries = attack.knows.map((name) => [name, deal[name]()] as const).filter(([, value]) => value !== undefined);
  const knowledge = Object.fromEntries(entries) as Partial<Knowledge>;
  const source = attack.copies === 'peer' ? knowledge.peer : attack.copies === 'earlier' ? knowledge.earlier?.[0] : undefined;
  return { knowledge, others: deck, ...(source === undefined ? {} : { source }) };
}
