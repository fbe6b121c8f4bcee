import { findContradictions, type Contradiction } from '../../chain/index.ts';
import type { JobState } from '../../protocol/index.ts';
import type { SessionContext } from './context.ts';

/** Gathers what convicts seats of a job: two statements that contradict each other, however they came here. */
export class Guilt {
  readonly #context: SessionContext;
  readonly #found = new Map<number, Contradiction>();
  /** Events that were looked at. */
  #looked = 0;

  constructor(context: SessionContext) {
    this.#context = context;
  }

  /** Looks at what is new. @throws ChainError when the chain must be asked and is away */
  async look(job: JobState | undefined): Promise<void> {
    const { components: { chain, court }, record, signal } = this.#context;
    if (job === undefined || !('committed' in job)) return;
    for (const [index, { node }] of job.roster.entries()) {
      const pair = record.contradictions?.[node.toLowerCase()];
      if (pair === undefined || this.#found.has(index)) continue;
      const [first, second] = pair.map(({ commitment, signature }) => ({ isSet: false, commitments: [commitment], signature }));
      this.#found.set(index, { index, pledges: [first!, second!] });
    }
    if (record.events.length === this.#looked) return;
    const commitments = job.roster.map(({ node }) => record.commitments[node.toLowerCase()]);
    for (const one of await findContradictions(chain, court, { jobId: record.jobId, roster: job.roster, events: record.events, set: record.set, commitments }, { signal })) {
      if (this.#found.has(one.index)) continue;
      this.#found.set(one.index, one);
      this.#context.progress({ stage: 'contradiction', node: job.roster[one.index]!.node });
    }
    this.#looked = record.events.length;
  }

  /** Seats that can be convicted now and are not yet, as a mask. */
  mask(job: JobState | undefined): number {
    // The contract takes this proof only once the commitments are on chain.
    if (job === undefined || (job.state !== 'Committed' && job.state !== 'Contestable' && job.state !== 'Contested')) return 0;
    return [...this.#found.keys()].reduce((mask, seat) => mask | (1 << seat), 0) & ~(job.equivocated ?? 0);
  }

  /** The proof to send next. */
  next(job: JobState | undefined): Contradiction | undefined {
    const mask = this.mask(job);
    return [...this.#found.values()].find(({ index }) => (mask & (1 << index)) !== 0);
  }
}
