import type { Hex } from 'viem';
import { readJob } from '../../chain/index.ts';
import { isAudited, JOB_STATES, POLICIES, secretHashOf, type JobStateName } from '../../protocol/index.ts';
import type { NodeComponents } from '../components.ts';
import type { ReplicaRecord } from '../replica-record.ts';

/** Whether the chain takes no further commitment to a job in this state, and took some. */
export function closedOnChain(state: JobStateName): boolean {
  return JOB_STATES.indexOf(state) >= JOB_STATES.indexOf('Committed') && state !== 'Cancelled' && state !== 'Expired' && state !== 'Widening';
}

/** Replicas whose evidence this process has let out: what hangs from it says nothing more to who would copy. */
const released = new WeakSet<ReplicaRecord>();

/** Notes that a replica's evidence is out. */
export function noteReleased(record: ReplicaRecord): void {
  released.add(record);
}

/**
 * Why what could be copied must stay here, or undefined when nobody can commit any more: the chain is closed for commitments, or this node
 * has seen everybody's signature over the set of them. Asked of the chain itself, not of the watcher's memory.
 */
export async function whyNotClosed({ chain }: Pick<NodeComponents, 'chain'>, record: ReplicaRecord, reveal: Reveal | undefined, signal: AbortSignal): Promise<string | undefined> {
  if (released.has(record)) return undefined;
  const { jobId, set } = record;
  const { state, widening } = await readJob(chain, jobId, { signal });
  // A set signed by the first seats does not close a job that has more of them now.
  if (closedOnChain(state) || (state === 'Assigned' && widening === 0 && set?.signatures !== undefined)) return whyMayBeAudited(record, { state, widening }, reveal);
  return `commitments are not closed: the job is ${state} on chain`;
}

/** What the client's secret is told with. */
export interface Reveal { secret: Hex; auditBps: number }

/**
 * Why the evidence of a job's only replica must stay here, or undefined when nobody can be drawn any more who could copy it: the client
 * has shown that its secret does not draw the job for a check, or the job was widened, or it is past that.
 *
 * @param onChain the job as the chain has it now
 */
export function whyMayBeAudited({ jobId, request, outcome }: ReplicaRecord, onChain: { state: JobStateName; widening: number }, reveal: Reveal | undefined): string | undefined {
  const { replicas, policy, secretHash } = request;
  if (replicas > 1 || POLICIES[policy] === 'none' || onChain.widening !== 0 || (onChain.state !== 'Assigned' && onChain.state !== 'Committed')) return undefined;
  if (reveal === undefined) return 'show the secret: this job may be drawn for a check';
  if (secretHashOf(reveal.secret, reveal.auditBps).toLowerCase() !== secretHash.toLowerCase()) return 'that is not the secret of the job\'s client';
  return isAudited(reveal.secret, reveal.auditBps, jobId, outcome!.commitment) ? 'the job is drawn for a check: others must commit first' : undefined;
}
