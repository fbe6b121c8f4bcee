import { readSeed } from '../../../chain/index.ts';
import { isError, type JobState } from '../../../protocol/index.ts';
import { CLAIM_WAIT_MS } from '../../constants.ts';
import type { SessionContext } from '../context.ts';

/**
 * Gives bids time after the draw's seed is known, where they depend on it: those that claim input, and those that must be within reach. Where an endpoint tells the
 * seed a block after its own, as it may, nodes learn it no sooner than this client does.
 */
export class SeedWait {
  readonly #context: SessionContext;
  /** By the seed's block, once it is known: whether bids had their time. */
  readonly #over = new Map<bigint, boolean>();
  #asking = false;

  constructor(context: SessionContext) {
    this.#context = context;
  }

  /** Whether they had it; looks again by itself when the time comes. */
  isOver(job: JobState | undefined): boolean {
    if ((job?.state !== 'Open' && job?.state !== 'Widening') || (BigInt(job.request.dataRoot) === 0n && job.request.reach === 0n)) return true;
    const { seedBlock } = job;
    const { number } = this.#context.head();
    if (number < seedBlock) return false;
    const over = this.#over.get(seedBlock);
    if (over !== undefined) return over;
    if (number > seedBlock) this.#known(seedBlock);
    else if (!this.#asking) void this.#ask(seedBlock);
    return false;
  }

  /** Asks once; a seed that is not known yet, or to an endpoint that does not know the job yet, is at the next block, which looks here again. */
  async #ask(seedBlock: bigint): Promise<void> {
    const { components: { chain }, record: { jobId }, signal } = this.#context;
    this.#asking = true;
    try {
      await readSeed(chain, jobId, { signal });
      this.#known(seedBlock);
    } catch (error) {
      // Of any other mistake the draw itself will tell.
      if (!isError(error, 'SEED_NOT_YET', 'WRONG_STATE')) this.#known(seedBlock);
    } finally {
      this.#asking = false;
    }
  }

  #known(seedBlock: bigint): void {
    if (this.#over.has(seedBlock)) return;
    this.#over.set(seedBlock, false);
    setTimeout(() => {
      this.#over.set(seedBlock, true);
      this.#context.poke();
    }, Math.max(this.#context.bidWaitMs, CLAIM_WAIT_MS)).unref();
  }
}
