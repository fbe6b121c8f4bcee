import type { Address, Hex } from 'viem';
import type { Precedent } from '../../evidence/index.ts';
import type { JobEvent, JobRequest, SignedBid, SignedSet } from '../../protocol/index.ts';
import type { Receipt } from '../../storage/index.ts';

/** A bid as it came, with where its node listens. */
export interface ReceivedBid { bid: SignedBid; addrs: string[] }

/** A commitment and its node's signature over it. */
export interface SignedWord { commitment: Hex; signature: Hex }

/** What the client found when it opened and compared the evidence of one seat. */
export interface ReplicaFinding {
  seat: number;
  node: Address;
  resultCid?: string;
  /** The file it can be had in, encrypted to this client. */
  encryptedResultCid?: string;
  exitCode?: number;
  ended?: string;
  cpuSeconds?: number;
  peakMemoryBytes?: number;
  /** Distances to the other seats in thresholds, by seat; null where there is nothing to compare. */
  distances: (number | null)[];
  /** Windows of its trace that the node opened, and whether what they say of the output was compared with the result. */
  windows?: { opened: number; heldAgainstResult: boolean };
  /** Of a job of shards: how it looks shard by shard. */
  shards?: ShardFindings;
  agreed: boolean;
  /** In words, why. */
  reason: string;
  /** How the run looks beside earlier ones of the same work; only where it could not be compared with its peers. */
  precedent?: Precedent;
}

/** What the client found about the shards of one seat. */
export interface ShardFindings {
  count: number;
  /** Shards in which the seat was told apart from the majority, the first of them with why. */
  told: { shard: number; reason: string }[];
  toldCount: number;
  /** Shards in which no majority agrees. */
  undecided: number;
  /** Shards that ended with another code than 0. */
  failed: number;
  /** Windows that were drawn and opened: of how many shards, how many of them were held against their results. */
  opened: number;
  heldAgainstResult: number;
}

/** A party's standing at one moment. */
export interface Standing { score: number; stake: string }

/** What the client journals about one job: enough to go on, validate and settle after a crash or on another day. */
export interface JobRecord {
  jobId: Hex;
  createdAt: number;
  name?: string;
  request: JobRequest;
  /** Canonical spec, UTF-8. */
  spec: string;
  /** 32-byte seed of the sealing key pair and of the secret whose hash the request carries. */
  seed: Hex;
  events: JobEvent[];
  bids: ReceivedBid[];
  /** Signed commitments received, by node address in lower case. */
  commitments: Record<string, SignedWord>;
  /** All commitments with everybody's signature that there will be no others, once there are. */
  set?: SignedSet;
  /** Chance of an audit of a single replica, basis points: hidden from the node until the secret is shown. */
  auditBps?: number;
  /** Two commitments that one node signed, by its address in lower case. */
  contradictions?: Record<string, [SignedWord, SignedWord]>;
  findings?: ReplicaFinding[];
  /** Where each seat's node had its image and inputs from, as it says. */
  receipts?: Record<number, Receipt[]>;
  /** Standings by address in lower case, before the job and after it. */
  before: Record<string, Standing>;
  after: Record<string, Standing>;
  /** Gas used by the client's own messages, by step. */
  gas: Record<string, number>;
  /** When each stage was reached, ms since submit began. */
  timingsMs: Record<string, number>;
  /** Coin paid to each seat, once settled. */
  paid?: string[];
}
