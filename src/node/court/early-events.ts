import type { Hex } from 'viem';
import { readJob, readJobEvents } from '../../chain/index.ts';
import { MAX_SEED_DELAY_BLOCKS, amend, type JobEvent } from '../../protocol/index.ts';
import type { NodeComponents } from '../components.ts';
import { MAX_EARLY_JOBS } from '../constants.ts';

/** Chain events of jobs not (yet) bid for: the bid may come a moment later, and its job's history must be whole. */
export class EarlyEvents {
  readonly #chain: NodeComponents['chain'];
  readonly #noted = new Map<Hex, JobEvent[]>();

  constructor(chain: NodeComponents['chain']) {
    this.#chain = chain;
  }

  has(jobId: Hex): boolean {
    return this.#noted.has(jobId);
  }

  note(event: JobEvent, removed: boolean): void {
    const known = this.#noted.get(event.jobId);
    if (removed && known === undefined) return;
    this.#noted.set(event.jobId, amend(known ?? [], event, removed));
    // Oldest first out: a job nobody announced to us for so long is not coming.
    if (this.#noted.size > MAX_EARLY_JOBS) this.#noted.delete(this.#noted.keys().next().value!);
  }

  forget(jobId: Hex): void {
    this.#noted.delete(jobId);
  }

  /** Whether newcomers are drawn for the job, as far as it was noted. */
  isWidening(jobId: Hex): boolean {
    return this.#noted.get(jobId)?.some(({ type }) => type === 'WideningCalled') ?? false;
  }

  /** Events that were read back, with those noted meanwhile. */
  amended(jobId: Hex, read: readonly JobEvent[]): JobEvent[] {
    return (this.#noted.get(jobId) ?? []).reduce((known, event) => amend(known, event, false), [...read]);
  }

  /** What the chain said of a job so far: noted as it came or, where the node was down then, read back. @throws ChainError */
  async historyOf(jobId: Hex, signal: AbortSignal): Promise<JobEvent[]> {
    let read: JobEvent[] = [];
    if (this.#noted.get(jobId)?.[0]?.type !== 'Submitted') {
      const { state, seedBlock } = await readJob(this.#chain, jobId, { signal });
      // The submit is at most so many blocks before its seed; that of a widened job is older than its newest seed.
      const fromBlock = state === 'Open' && seedBlock > MAX_SEED_DELAY_BLOCKS ? seedBlock - MAX_SEED_DELAY_BLOCKS : 0n;
      if (state !== 'None') read = await readJobEvents(this.#chain, { jobId, fromBlock }, { signal });
    }
    return this.amended(jobId, read);
  }
}
