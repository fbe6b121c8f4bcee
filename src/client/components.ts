import type { Chain } from '../chain/index.ts';
import type { Host, JobGossip } from '../network/index.ts';
import type { Court } from '../protocol/index.ts';
import type { Journal, Storage } from '../storage/index.ts';
import type { JobClaims } from './book/job-claims.ts';
import type { JobRecord } from './book/job-record.ts';
import type { Precedents } from './findings/precedents.ts';

/** What a client is made of. */
export interface ClientComponents {
  chain: Chain;
  /** Where this client's statements are valid. */
  court: Court;
  host: Host;
  gossip: JobGossip;
  storage: Storage;
  journal: Journal<JobRecord>;
  claims: JobClaims;
  precedents: Precedents;
}

/** What a session tells whoever follows it. */
export type Progress =
  | { stage: 'submitted'; jobId: string }
  /** `locality`: basis points of the input, where there is one. */
  | { stage: 'bid'; node: string; price: bigint; locality?: number; count: number }
  /** Fewer nodes than a check takes: whatever the lot says, the job's replica will not be checked. */
  | { stage: 'few-nodes'; nodes: number; needed: number }
  | { stage: 'few-bids'; count: number; needed: number; until: number }
  /** Nobody has bid, and of the nodes that this client knows none has the engine, or none gives jobs a network in it. */
  | { stage: 'no-engine'; engine: string; network: boolean; nodes: number }
  /** `until`: when they must have committed, unix seconds of the chain. */
  | { stage: 'assigned'; roster: readonly { node: string; price: bigint }[]; until: number }
  | { stage: 'commitment'; node: string; count: number; of: number }
  | { stage: 'committed' }
  | { stage: 'contradiction'; node: string }
  | { stage: 'convicted'; node: string }
  | { stage: 'widening'; audit: boolean; needed: number }
  | { stage: 'widened'; newcomers: readonly { node: string; price: bigint }[] }
  | { stage: 'evidence'; node: string; problem?: string }
  | { stage: 'shards'; node: string; count: number; of: number }
  | { stage: 'verdict'; agreed: number; of: number }
  | { stage: 'waiting'; state: string; until: number }
  | { stage: 'contested'; node: string }
  | { stage: 'final'; state: string }
  | { stage: 'problem'; message: string };
