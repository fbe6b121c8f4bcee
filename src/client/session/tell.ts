import type { JobEvent, JobState } from '../../protocol/index.ts';
import type { SessionContext } from './context.ts';

/** Tells whoever follows the job that it has entered another state. */
export function tellState(job: JobState, { progress }: Pick<SessionContext, 'progress'>): void {
  if (job.state === 'Assigned' && job.widening === undefined) progress({ stage: 'assigned', roster: job.roster, until: job.since + job.request.commitWindow });
  if (job.state === 'Committed') progress({ stage: 'committed' });
  // A verdict that rejects nobody is final in the same message.
  if (job.state === 'Contestable' && job.agreed !== job.committed) {
    progress({ stage: 'waiting', state: job.state, until: job.since + job.request.disputeWindow });
  }
  if (job.state === 'Widening') progress({ stage: 'widening', audit: job.widening.audit, needed: job.roster.length + 1 });
}

/** Tells what an event says of one of the seats, or of newcomers; `job` is what has become of it. */
export function tellEvent(event: JobEvent, job: JobState, { progress }: Pick<SessionContext, 'progress'>): void {
  if (!('roster' in job)) return;
  switch (event.type) {
    case 'VerdictContested': return progress({ stage: 'contested', node: job.roster[event.index]?.node ?? '' });
    case 'EquivocationProven':
    case 'FalseClaimProven': return progress({ stage: 'convicted', node: job.roster[event.index]?.node ?? '' });
    case 'Widened': return progress({ stage: 'widened', newcomers: event.roster.slice(job.request.replicas) });
    default:
  }
}
