import { readJob } from '../chain/index.ts';
import { JOB_STATES, type JobStateName } from '../protocol/index.ts';
import type { NodeComponents } from './components.ts';
import type { ReplicaRecord } from './replica-record.ts';

/** Whether the chain takes no further commitment to a job in this state, and took some. */
export function closedOnChain(state: JobStateName): boolean {
  return JOB_STATES.indexOf(state) >= JOB_STATES.indexOf('Committed') && state !== 'Cancelled' && state !== 'Expired';
}

/**
 * Why what could be copied must stay here, or undefined when nobody can commit any more: the chain is closed for commitments, or this node
 * has seen everybody's signature over the set of them. Asked of the chain itself, not of the watcher's memory.
 */
export async function whyNotClosed({ chain }: Pick<NodeComponents, 'chain'>, { jobId, set }: ReplicaRecord, signal: AbortSignal): Promise<string | undefined> {
  const { state } = await readJob(chain, jobId, { signal });
  if (closedOnChain(state) || (state === 'Assigned' && set?.signatures !== undefined)) return undefined;
  return `commitments are not closed: the job is ${state} on chain`;
}
