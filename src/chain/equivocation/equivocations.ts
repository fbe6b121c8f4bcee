import type { Hex } from 'viem';
import { isError, type Court, type JobEvent, type JobState, type SignedSet } from '../../protocol/index.ts';
import { proveEquivocation } from '../actions/prove-equivocation.ts';
import type { Chain } from '../chain.ts';
import type { CallOptions } from '../rpc/chain-client.ts';
import { findContradictions, type Contradiction } from './find-contradictions.ts';
import type { WriteResult } from '../actions/write.ts';

/** What is held of the seats' own words. */
export interface HeldWords { set?: SignedSet | undefined; commitments?: readonly ({ commitment: Hex; signature: Hex } | undefined)[] }

/** Proofs that seats of one job signed two things that contradict each other: gathered while stakes are locked, until the chain has them. */
export class Equivocations {
  readonly #chain: Chain;
  readonly #court: Court;
  readonly #jobId: Hex;
  readonly #found = new Map<number, Contradiction>();
  readonly #refused = new Set<number>();
  /** Events that were looked at. */
  #looked = 0;

  constructor(chain: Chain, court: Court, jobId: Hex) {
    this.#chain = chain;
    this.#court = court;
    this.#jobId = jobId;
  }

  /** Takes a proof that came another way. @returns whether it is the first one of that seat */
  add(contradiction: Contradiction): boolean {
    if (this.#found.has(contradiction.index)) return false;
    this.#found.set(contradiction.index, contradiction);
    return true;
  }

  /** Holds what is new on chain against what is held. @returns the seats now known to be guilty @throws ChainError when the chain must be asked and is away */
  async look(job: JobState | undefined, events: readonly JobEvent[], held: HeldWords, options: CallOptions = {}): Promise<number[]> {
    if (job === undefined || !('committed' in job) || events.length === this.#looked) return [];
    const found = await findContradictions(this.#chain, this.#court, { jobId: this.#jobId, roster: job.roster, events, ...held }, options);
    this.#looked = events.length;
    return found.filter((one) => this.add(one)).map(({ index }) => index);
  }

  /** Seats that can be convicted now and are not yet, as a mask: the contract takes the proof once commitments are on chain. */
  mask(job: JobState | undefined): number {
    if (job === undefined || (job.state !== 'Committed' && job.state !== 'Contestable' && job.state !== 'Contested')) return 0;
    return [...this.#found.keys()].reduce((mask, seat) => (this.#refused.has(seat) ? mask : mask | (1 << seat)), 0) & ~(job.equivocated ?? 0);
  }

  /** Sends the next proof; one that is refused is not sent again. @throws ChainError */
  async convict(job: JobState | undefined, options: CallOptions = {}): Promise<WriteResult | undefined> {
    const proof = this.#next(job);
    if (proof === undefined || job === undefined || !('roster' in job)) return undefined;
    try {
      return await proveEquivocation(this.#chain, { request: job.request, roster: job.roster, ...proof }, options);
    } catch (error) {
      if (!isError(error, 'RPC_UNREACHABLE', 'TX_TIMEOUT')) this.#refused.add(proof.index);
      throw error;
    }
  }

  #next(job: JobState | undefined): Contradiction | undefined {
    const mask = this.mask(job);
    return [...this.#found.values()].find(({ index }) => (mask & (1 << index)) !== 0);
  }
}
