import type { Hex } from 'viem';
import { Equivocations } from '../../chain/index.ts';
import { isFinal, type JobState } from '../../protocol/index.ts';
import type { NodeComponents } from '../components.ts';
import type { ReplicaRecord } from '../replica-record.ts';

/** Holds the sets that all seats of a job signed against what they posted, job by job. */
export class Contradictions {
  readonly #components: Pick<NodeComponents, 'chain' | 'court' | 'log'>;
  readonly #known = new Map<Hex, Equivocations>();

  constructor(components: Pick<NodeComponents, 'chain' | 'court' | 'log'>) {
    this.#components = components;
  }

  /** Looks at what is new. @returns seats that can be convicted now and are not yet, as a mask. @throws ChainError when the chain must be asked and is away */
  async look({ jobId, events, set }: Pick<ReplicaRecord, 'jobId' | 'events' | 'set'>, job: JobState, signal: AbortSignal): Promise<number> {
    if (set?.signatures === undefined || isFinal(job)) return 0;
    const { chain, court, log } = this.#components;
    const known = this.#known.get(jobId) ?? new Equivocations(chain, court, jobId);
    this.#known.set(jobId, known);
    const { commitments, signatures } = set;
    for (const seat of await known.look(job, events, { set: { commitments, signatures } }, { signal })) log('warn', 'contradiction', { jobId, seat });
    return known.mask(job);
  }

  /** The proofs of a job that was looked at. */
  of(jobId: Hex): Equivocations | undefined {
    return this.#known.get(jobId);
  }

  forget(jobId: Hex): void {
    this.#known.delete(jobId);
  }
}
