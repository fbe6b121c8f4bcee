import type { Address } from 'viem';
import { MAX_BIDS, reachFor, weightOf } from '../../protocol/index.ts';
import { SORTITION_BIDS_PER_SEAT, SORTITION_FRESH_MS, SORTITION_SPARE_BIDS, TYPICAL_SCORE_BPS } from '../constants.ts';

/** A node's deposit of stake, as the chain tells it. */
export interface Registration { node: Address; amount: bigint }

/**
 * How far a job's draw reaches: nobody is left out of a network that is small enough for all to bid; of a larger one so many are to bid as a
 * draw can look at, however many there are. Counts deposits and no withdrawals, so it may reach too few at first; the reach widens with time.
 */
export class Sortition {
  readonly #read: (signal: AbortSignal) => Promise<readonly Registration[]>;
  #known: { at: number; nodes: number; stake: bigint } | undefined;

  constructor(read: (signal: AbortSignal) => Promise<readonly Registration[]>) {
    this.#read = read;
  }

  /** Reach for a request; 0 where every bid counts. @throws ChainError */
  async reach({ replicas, maxPrice }: { replicas: number; maxPrice: bigint }, signal: AbortSignal): Promise<bigint> {
    const { nodes, stake } = await this.#network(signal);
    if (nodes <= MAX_BIDS) return 0n;
    // A node like the usual one: half a score, no input, a price that gains nothing.
    const weight = weightOf({ node: '0x0000000000000000000000000000000000000000', stake, score: TYPICAL_SCORE_BPS, locality: 0, price: maxPrice }, maxPrice);
    return reachFor(weight, SORTITION_BIDS_PER_SEAT * replicas + SORTITION_SPARE_BIDS);
  }

  async #network(signal: AbortSignal): Promise<{ nodes: number; stake: bigint }> {
    if (this.#known !== undefined && performance.now() - this.#known.at < SORTITION_FRESH_MS) return this.#known;
    const registrations = await this.#read(signal);
    this.#known = {
      at: performance.now(), nodes: new Set(registrations.map(({ node }) => node.toLowerCase())).size,
      stake: registrations.reduce((sum, { amount }) => sum + amount, 0n),
    };
    return this.#known;
  }
}
