import { Equivocations, type WriteResult } from '../../chain/index.ts';
import type { JobState } from '../../protocol/index.ts';
import type { SessionContext } from './context.ts';
import { FalseClaims } from './draw/false-claims.ts';

/** Gathers what convicts seats of a job: two statements that contradict each other, however they came here, and claims to input that is not theirs. */
export class Guilt {
  readonly #context: SessionContext;
  readonly #equivocations: Equivocations;
  readonly claims: FalseClaims;

  constructor(context: SessionContext) {
    this.#context = context;
    const { components: { chain, court }, record: { jobId } } = context;
    this.#equivocations = new Equivocations(chain, court, jobId);
    this.claims = new FalseClaims(context);
  }

  /** Looks at what is new. @throws ChainError when the chain must be asked and is away */
  async look(job: JobState | undefined): Promise<void> {
    const { record: { contradictions = {}, commitments, events, set }, signal } = this.#context;
    if (job === undefined || !('committed' in job)) return;
    for (const [index, { node }] of job.roster.entries()) {
      const pair = contradictions[node.toLowerCase()];
      if (pair === undefined) continue;
      const [first, second] = pair.map(({ commitment, signature }) => ({ isSet: false, commitments: [commitment], signature }));
      this.#equivocations.add({ index, pledges: [first!, second!] });
    }
    for (const index of await this.#equivocations.look(job, events, { set, commitments: job.roster.map(({ node }) => commitments[node.toLowerCase()]) }, { signal })) {
      this.#context.progress({ stage: 'contradiction', node: job.roster[index]!.node });
    }
    await this.claims.look(job);
  }

  /** Seats that can be convicted now and are not yet, as a mask. */
  mask(job: JobState | undefined): number {
    return this.#equivocations.mask(job) | this.claims.mask(job);
  }

  /** Sends the next proof; one that is refused is not sent again. @throws ChainError */
  async convict(job: JobState | undefined): Promise<WriteResult | undefined> {
    const { signal } = this.#context;
    return await this.#equivocations.convict(job, { signal }) ?? this.claims.convict(job);
  }
}
