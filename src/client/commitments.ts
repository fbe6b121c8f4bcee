import type { JobState, SignedCommitment } from '../protocol/index.ts';
import type { JobRecord } from './job-record.ts';

type Received = JobRecord['commitments'];

/** Seats whose signed commitment is at hand, as a mask. */
export function heldCommitments(job: JobState | undefined, received: Received): number {
  if (job === undefined || !('roster' in job)) return 0;
  return job.roster.reduce((mask, { node }, seat) => (received[node.toLowerCase()] === undefined ? mask : mask | (1 << seat)), 0);
}

/** The commitments at hand that are not on chain yet. */
export function commitmentsToCarry(job: JobState, received: Received): SignedCommitment[] {
  if (job.state !== 'Assigned') return [];
  return job.roster.flatMap(({ node }, index) => {
    const commitment = received[node.toLowerCase()];
    return commitment === undefined || (job.committed & (1 << index)) !== 0 ? [] : [{ index, ...commitment }];
  });
}
