import type { Address } from 'viem';
import type { Offer } from './offer.ts';

/** What a node says of itself to anybody: what it offers, and how busy it is. */
export interface NodeStatus extends Offer {
  address: Address;
  /** Names, strongest first. */
  engines: string[];
  /** Those that can give a job a network, where the operator permits any. */
  network: string[];
  /** Asked for one replica, coin units. */
  price: bigint;
  /** Replicas. */
  running: number;
  waiting: number;
}
