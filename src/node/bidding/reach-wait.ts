import type { Hex } from 'viem';
import { MAX_PENDING_JOBS } from '../constants.ts';

/** Jobs whose draw does not reach this node yet, each with the time from which it does. Nobody else would tell: a client that has friends need not announce again. */
export class ReachWait {
  readonly #waiting = new Map<Hex, { at: number; look: () => void }>();

  has(jobId: Hex): boolean {
    return this.#waiting.has(jobId);
  }

  /** Looks again at a job from `at` on, unix seconds of the chain. Of more than a node takes on the earliest begun is let go. */
  add(jobId: Hex, at: number, look: () => void): void {
    this.#waiting.delete(jobId);
    if (this.#waiting.size >= MAX_PENDING_JOBS) this.#waiting.delete(this.#waiting.keys().next().value!);
    this.#waiting.set(jobId, { at, look });
  }

  /** The chain's newest block is of this time. */
  onTime(timestamp: number): void {
    for (const [jobId, { at, look }] of this.#waiting) {
      if (timestamp < at) continue;
      this.#waiting.delete(jobId);
      look();
    }
  }
}
