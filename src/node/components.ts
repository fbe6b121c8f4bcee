import type { Address } from 'viem';
import type { Chain } from '../chain/index.ts';
import type { Engine, ImageStore } from '../executor/index.ts';
import type { Host } from '../network/index.ts';
import type { Court } from '../protocol/index.ts';
import type { Journal, Storage } from '../storage/index.ts';
import type { BidPolicy, Offer } from './bid-policy.ts';
import type { ReplicaRecord } from './replica-record.ts';

/** Writes one line of the node's diary: an event name and its data. */
export type Log = (level: 'info' | 'warn' | 'error', event: string, data?: Record<string, unknown>) => void;

/** Everything a node is made of; each part of it declares the subset it needs. */
export interface NodeComponents {
  chain: Chain;
  /** Where this node's statements are valid. */
  court: Court;
  host: Host;
  storage: Storage;
  /** Strongest first. */
  engines: readonly Engine[];
  images: ImageStore;
  journal: Journal<ReplicaRecord>;
  log: Log;
}

export interface NodeInit {
  address: Address;
  /** Folder of the node's state. */
  dir: string;
  policy: BidPolicy;
  offer: Offer;
  /** Defend against rejections on chain. */
  contests: boolean;
  /** How long a result stays after its job is over, ms. */
  keepResultsMs: number;
  /** Let the client follow the log while the replica runs. */
  liveLogs: boolean;
}
