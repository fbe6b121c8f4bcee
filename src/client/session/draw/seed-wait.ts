import type { JobState } from '../../../protocol/index.ts';
import { CLAIM_WAIT_MS } from '../../constants.ts';
import type { SessionContext } from '../context.ts';

/** Gives bids time after the draw's seed is known, where they depend on it: those that claim input, and those that must be within reach. */
export class SeedWait {
  readonly #context: SessionContext;
  /** By the seed's block: when it was seen first. */
  readonly #seen = new Map<bigint, number>();

  constructor(context: SessionContext) {
    this.#context = context;
  }

  /** Whether they had it; looks again by itself when the time comes. */
  isOver(job: JobState | undefined): boolean {
    if ((job?.state !== 'Open' && job?.state !== 'Widening') || (BigInt(job.request.dataRoot) === 0n && job.request.reach === 0n)) return true;
    const { seedBlock } = job;
    if (this.#context.head().number < seedBlock) return false;
    if (!this.#seen.has(seedBlock)) {
      this.#seen.set(seedBlock, performance.now());
      setTimeout(() => this.#context.poke(), this.#waitMs).unref();
    }
    return performance.now() - this.#seen.get(seedBlock)! >= this.#waitMs;
  }

  get #waitMs(): number {
    return Math.max(this.#context.bidWaitMs, CLAIM_WAIT_MS);
  }
}
