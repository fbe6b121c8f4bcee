import type { OutputProfile, Trace } from '../../src/protocol/index.ts';
import type { Random } from '../corpus/inputs/random.ts';
import type { LabRun } from '../corpus/lab-run.ts';

/** What a node hands in, honest or not. */
export interface Submission { trace: Trace; profile: OutputProfile; resultDigest: `0x${string}` }

/** What a cheat can have in hand. An attack names what it needs and is given nothing else. */
export interface Knowledge {
  /** Its own run of the whole job. */
  honest: LabRun;
  /** Its own runs of the first half, 90 % and 99 % of the input. */
  halfInput: LabRun;
  mostInput: LabRun;
  nearlyAllInput: LabRun;
  /** Its own runs on the whole input that stop after half, 90 % of the work. */
  halfWork: LabRun;
  mostWork: LabRun;
  /** Its own run on another input of equal size. */
  otherInput: LabRun;
  /** Its own run of another program. */
  otherProgram: LabRun;
  /** Traces of this very job, made public when it was run and settled before; the first is the one to replay. */
  earlier: readonly LabRun[];
  /** Public traces of the same program on other inputs and, where there are any, at other sizes. */
  corpus: readonly LabRun[];
  /** The trace of another node of the same job, where sealing failed or both are in league. */
  peer: LabRun;
  /** The right output, got elsewhere: then the trace alone can give it away. */
  result: Pick<Submission, 'profile' | 'resultDigest'>;
}

/** What everybody knows of a job, and the cheat's own dice. */
export interface AttackContext { job: JobTerms; random: Random }

/** The terms a job is announced with. */
export interface JobTerms {
  program: string;
  /** Size of the input. */
  inputBytes: number;
  engine: string;
  /** Nominal distance of samples, ms. */
  intervalMs: number;
}

/** A way to be paid for work not done. Pure: the same context gives the same submission. */
export interface Attack {
  name: string;
  /** One sentence for the report. */
  about: string;
  /** Which parts of Knowledge it has. */
  knows: readonly (keyof Knowledge)[];
  /** Whose true trace it hands in, in disguise or not: agreement alone cannot catch it, too much of it can. */
  copies?: 'earlier' | 'peer';
  /** What the dishonest node hands in; undefined where the trick cannot be played. */
  forge(context: AttackContext & Partial<Knowledge>): Submission | undefined;
}

/** An attack whose `forge` sees exactly the knowledge it names. */
export function defineAttack<const K extends keyof Knowledge>(attack: {
  name: string; about: string; knows: readonly K[]; copies?: Attack['copies'] & K; forge(context: AttackContext & Pick<Knowledge, K>): Submission | undefined;
}): Attack {
  return {
    ...attack,
    forge(context) {
      const known = Object.fromEntries(attack.knows.map((name) => [name, context[name]])) as Pick<Knowledge, K>;
      if (attack.knows.some((name) => known[name] === undefined)) return undefined;
      return attack.forge({ job: context.job, random: context.random, ...known });
    },
  };
}
