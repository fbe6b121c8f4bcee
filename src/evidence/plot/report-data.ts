import type { OutputProfile, Trace } from '../../protocol/trace/trace.ts';

/** What the chain made of a replica. */
export type ReplicaVerdict = 'agreed' | 'deviated' | 'absent' | 'undecided';

/** One replica in a report. What is unknown is left out, and its column with it. */
export interface ReportReplica {
  label: string;
  /** EVM address. */
  node?: string;
  /** The truth, where whoever set up the run knows it. */
  dishonest?: boolean;
  verdict: ReplicaVerdict;
  /** Amounts in coin, as decimal text. */
  paid?: string;
  stakeBefore?: string;
  stakeAfter?: string;
  /** Reputation scores in basis points. */
  scoreBefore?: number;
  scoreAfter?: number;
  cpuSeconds?: number;
  peakMemoryBytes?: number;
  /** To every replica in order, 1 being the threshold; null where there is nothing to compare, Infinity where it cannot be. */
  distances: (number | null)[];
  trace?: Trace;
  profile?: OutputProfile;
  /** In words, why it agreed or not. */
  reason: string;
}

/** One job in a report. */
export interface ReportJob {
  id: string;
  title: string;
  /** Its last state on chain, e.g. `Settled`. */
  state?: string;
  /** What the dishonest replica did, in words; null when all were honest. */
  cheat?: string | null;
  replicas: ReportReplica[];
  client?: { address: string; scoreBefore: number; scoreAfter: number };
  /** Gas by step, in the order of the steps. */
  gas?: Record<string, number>;
  /** Milliseconds by step, in the order of the steps. */
  timingsMs?: Record<string, number>;
}

/** Everything `renderReport` shows. */
export interface ReportData {
  title?: string;
  /** A sentence below the title. */
  subtitle?: string;
  jobs: ReportJob[];
}
