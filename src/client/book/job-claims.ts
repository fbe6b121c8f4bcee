import type { Hex } from 'viem';
import { claimName, type Claim } from '../claim-name.ts';

interface Held { claim: Promise<Claim | undefined>; users: number }

/**
 * Which of the jobs of a client's folder this process carries. One process carries a job at a time: of two, each would take from the other what nodes hand over, and
 * write down less than the other knows.
 */
export class JobClaims {
  readonly #dir: string;
  readonly #held = new Map<Hex, Held>();

  /** @param dir the client's folder, which its processes share */
  constructor(dir: string) {
    this.#dir = dir;
  }

  /** Whether this process has it. */
  has(jobId: Hex): boolean {
    return this.#held.has(jobId);
  }

  /** @returns whether this process has the job, to be released as often as it was taken; false where another has it */
  async take(jobId: Hex): Promise<boolean> {
    const held = this.#held.get(jobId) ?? { claim: claimName(this.#dir, `job-${jobId.slice(2, 34)}`), users: 0 };
    this.#held.set(jobId, held);
    held.users++;
    let taken = false;
    try {
      taken = await held.claim !== undefined;
      return taken;
    } finally {
      if (!taken && this.#held.get(jobId) === held) this.#held.delete(jobId);
    }
  }

  async release(jobId: Hex): Promise<void> {
    const held = this.#held.get(jobId);
    if (held === undefined || --held.users > 0) return;
    this.#held.delete(jobId);
    await (await held.claim)?.release();
  }

  async releaseAll(): Promise<void> {
    const all = [...this.#held.values()];
    this.#held.clear();
    for (const { claim } of all) await (await claim)?.release();
  }

  /** Whether nobody has it, this process included. */
  async isFree(jobId: Hex): Promise<boolean> {
    if (this.#held.has(jobId) || !await this.take(jobId)) return false;
    await this.release(jobId);
    return true;
  }
}
