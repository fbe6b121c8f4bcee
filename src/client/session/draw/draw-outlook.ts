import { readNodeCount } from '../../../chain/index.ts';
import { widenedSeats, type JobState } from '../../../protocol/index.ts';
import type { SessionContext } from '../context.ts';

/** Whether anybody can be drawn for a widening at all: who registers after it was called for comes too late. */
export class DrawOutlook {
  readonly #context: SessionContext;
  #nodes: number | undefined;
  #asking = false;

  constructor(context: SessionContext) {
    this.#context = context;
  }

  /** Whether the chain is known to have fewer nodes than the widened job would have seats; asks it by itself, once a widening. */
  isHopeless(job: JobState | undefined): boolean {
    if (job?.state !== 'Widening') {
      this.#nodes = undefined;
      return false;
    }
    if (this.#nodes !== undefined) return this.#nodes < widenedSeats(job.request.replicas);
    if (!this.#asking) void this.#ask();
    return false;
  }

  async #ask(): Promise<void> {
    this.#asking = true;
    const { components: { chain }, signal } = this.#context;
    // The window's end is the same as an answer: who cannot be told waits for it.
    this.#nodes = await readNodeCount(chain, { signal }).catch(() => undefined);
    this.#asking = false;
    if (this.#nodes !== undefined) this.#context.poke();
  }
}
