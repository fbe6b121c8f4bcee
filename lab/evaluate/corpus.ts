import { familyOf } from './family-of.ts';
import { FRACTION_OF, WORK_OF, type OwnRuns } from './own-runs.ts';
import type { LabRun } from '../corpus/lab-run.ts';

/** One job of the corpus: a program on one input, with everything that was recorded of it. */
export interface Job {
  /** Program at one of its sizes. */
  name: string;
  /** The program at any size: what a fold leaves out. */
  family: string;
  kind: string;
  engine: string;
  deterministic: boolean;
  /** Whole runs on the right input. */
  honest: LabRun[];
  /** Runs that a lazy node would have. */
  own: OwnRuns;
}

/** A program in another engine than the container is a job of its own; WASI programs are in theirs only. */
function jobName({ program, condition: { engine } }: LabRun): string {
  return engine === 'microvm' ? `${program} in a microVM` : program;
}

/** Honest runs a job needs: one to know, two to compare. */
const MIN_HONEST = 3;

/**
 * Sorts runs into jobs. The input that a program ran on most often is the job's; whole runs on others are wrong input.
 * A job with fewer than three honest runs is left out.
 */
export function jobsOf(runs: readonly LabRun[]): Job[] {
  return [...Map.groupBy(runs, jobName)].flatMap(([name, all]): Job[] => {
    const whole = all.filter(({ input, work }) => input.fraction === 1 && work === 1);
    const bySeed = [...Map.groupBy(whole, ({ input }) => input.seed)].sort(([a, x], [b, y]) => y.length - x.length || a - b);
    const [seed, honest] = bySeed[0] ?? [];
    if (seed === undefined || honest === undefined || honest.length < MIN_HONEST) return [];
    const cut = (fraction: number) => all.filter(({ input, work }) => input.seed === seed && work === 1 && input.fraction === fraction);
    const lazy = (share: number) => all.filter(({ input, work }) => input.seed === seed && input.fraction === 1 && work === share);
    return [{
      name, family: familyOf(honest[0]!.program), kind: honest[0]!.kind, engine: honest[0]!.condition.engine, deterministic: honest[0]!.deterministic, honest,
      own: {
        halfInput: cut(FRACTION_OF.halfInput), mostInput: cut(FRACTION_OF.mostInput), nearlyAllInput: cut(FRACTION_OF.nearlyAllInput),
        halfWork: lazy(WORK_OF.halfWork), mostWork: lazy(WORK_OF.mostWork),
        otherInput: whole.filter(({ input }) => input.seed !== seed),
      },
    }];
  });
}
