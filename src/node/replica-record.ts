import type { Hex } from 'viem';
import type { JobEvent, JobRequest, Opening, SignedBid } from '../protocol/index.ts';
import type { Receipt } from '../storage/index.ts';

/** What the node journals about one job: enough to go on after a crash at any point. */
export interface ReplicaRecord {
  jobId: Hex;
  request: JobRequest;
  /** Canonical spec, UTF-8. */
  spec: string;
  /** Where the client listens. */
  clientAddrs: string[];
  /** For the draw that is or was next. */
  bid: SignedBid;
  /** What became of the bid: whether the client took it, and whether it was carried to the chain. */
  bidding?: 'acknowledged' | 'unacknowledged' | 'posted';
  /** Whether a panel was called for: once, for it may be lost. */
  summoned?: boolean;
  /** What the chain said of the job, in order. */
  events: JobEvent[];
  /** Times the run was started: a run that took the process down with it is not tried for ever. */
  attempts: number;
  /** Shards that had finished when the last of these runs began. */
  shardsDone?: number;
  /** Set once the run has ended. */
  outcome?: { resultCid: string; encryptedResultCid?: string; exitCode: number; opening: Opening; commitment: Hex; signature: Hex; receipts: Receipt[] };
  /** The set of commitments this node signed, and what everybody else signed once it has seen that: then the evidence may go out. */
  set?: { commitments: Hex[]; signature: Hex; signatures?: Hex[] };
  /** Why this node gave the replica up. */
  failure?: string;
  /** Set when there is nothing left to do. */
  finished?: 'settled' | 'passed-over' | 'cancelled' | 'expired' | 'given-up';
  /** When that was, ms since the epoch. */
  finishedAt?: number;
  /** Whether its evidence has been dropped since. */
  forgotten?: boolean;
}

/** Runs after which a replica that never reached its commitment is given up. */
export const MAX_ATTEMPTS = 2;
