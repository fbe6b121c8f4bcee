import type { Address } from 'viem';
import type { Chain } from '../chain/index.ts';
import type { Engine, ImageStore } from '../executor/index.ts';
import type { Host } from '../network/index.ts';
import type { Court } from '../protocol/index.ts';
import type { Journal, Storage } from '../storage/index.ts';
import type { Offer } from './offer.ts';
import type { BidPolicy } from './bidding/bid-policy.ts';
import type { Hardware } from './bidding/hardware.ts';
import type { Possessions } from './bidding/possessions.ts';
import type { Log } from './log.ts';
import type { ReplicaRecord } from './replica-record.ts';

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
  /** What proves that the node holds the input of a job. */
  possessions: Possessions;
  log: Log;
}

export interface NodeInit {
  address: Address;
  /** Folder of the node's state. */
  dir: string;
  policy: BidPolicy;
  offer: Offer;
  /** What kind of machine this is. */
  hardware: Hardware;
  /** Defend against rejections on chain. */
  contests: boolean;
  /** When to carry an own bid to the chain, so that the client cannot leave it out; costs gas. */
  postBids: 'never' | 'unacknowledged' | 'always';
  /** Call a panel where the opened sketches have no majority; its cost is lost if it decides against this node. */
  summons: boolean;
  /** How long a result and the evidence of it stay after their job is over, ms. */
  keepResultsMs: number;
  /** Let the client follow the log while the replica runs. */
  liveLogs: boolean;
}
