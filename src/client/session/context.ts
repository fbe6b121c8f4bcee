import type { JobState } from '../../protocol/index.ts';
import type { ClientComponents, Progress } from '../components.ts';
import type { JobRecord } from '../book/job-record.ts';
import type { Standings } from './standings.ts';

/** A block's number and time (unix seconds): deadlines are told by the chain's time. */
export interface Head { number: bigint; timestamp: number }

/** What the parts of a session share: the job they carry, and the ways to note and to tell what became of it. */
export interface SessionContext {
  readonly components: ClientComponents;
  readonly record: JobRecord;
  readonly standings: Standings;
  /** Ends with the session. */
  readonly signal: AbortSignal;
  /** Lowest wait for bids, ms. */
  readonly bidWaitMs: number;
  /** What the chain says of the job; undefined before its submit. */
  job(): JobState | undefined;
  head(): Head;
  progress(progress: Progress): void;
  /** Notes when a stage was reached first. */
  mark(stage: string): void;
  /** Writes the record to disk. */
  save(): Promise<void>;
  /** The same a moment later, together with what comes until then: for what can be had again from the chain or from the nodes. */
  saveSoon(): void;
  /** Looks whether there is something to do now. */
  poke(): void;
}
