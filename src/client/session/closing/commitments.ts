import type { Hex } from 'viem';
import { withCommitments, type JobState, type SealedSeat, type SignedCommitment, type SignedSet } from '../../../protocol/index.ts';
import { ClientError } from '../../errors.ts';
import type { ClosedJob } from '../../findings/exhibit.ts';
import type { JobRecord } from '../../book/job-record.ts';

type Received = JobRecord['commitments'];

/** Seats whose signed commitment is at hand, as a mask. */
export function heldCommitments(job: JobState | undefined, received: Received): number {
  if (job === undefined || !('roster' in job)) return 0;
  return job.roster.reduce((mask, { node }, seat) => (received[node.toLowerCase()] === undefined ? mask : mask | (1 << seat)), 0);
}

/** The commitments of all seats, in order; undefined while some are missing. */
export function fullSet(roster: readonly SealedSeat[], received: Received): Hex[] | undefined {
  const commitments = roster.flatMap(({ node }) => received[node.toLowerCase()]?.commitment ?? []);
  return commitments.length === roster.length ? commitments : undefined;
}

/** Whether the chain has other commitments than the set that all seats had signed. Newcomers of a widened job sign none. */
export function isOverruled(roster: readonly SealedSeat[], set: SignedSet | undefined): boolean {
  return set?.commitments.length === roster.length && roster.some(({ commitment }, seat) => commitment.toLowerCase() !== set.commitments[seat]?.toLowerCase());
}

/** The commitments at hand that are not on chain yet. */
export function commitmentsToCarry(job: JobState, received: Received): SignedCommitment[] {
  if (job.state !== 'Assigned') return [];
  return job.roster.flatMap(({ node }, index) => {
    const commitment = received[node.toLowerCase()];
    return commitment === undefined || (job.committed & (1 << index)) !== 0 ? [] : [{ index, ...commitment }];
  });
}

/** The job with the commitments that count: those on chain, or in Assigned those of the signed set. @throws ClientError SET_REFUSED where there are none */
export function closedJob({ set }: Pick<JobRecord, 'set'>, job: JobState): ClosedJob {
  if (!('committed' in job)) throw new ClientError('SET_REFUSED', `the job is ${job.state}`);
  if (job.state !== 'Assigned' || set === undefined) return job;
  return { request: job.request, roster: withCommitments(job.roster, set.commitments), committed: (1 << job.roster.length) - 1 };
}
