import { deadlineOf, type JobState } from '../protocol/index.ts';
import { POKE_GRACE_SECONDS, SELF_COMMIT_SHARE } from './constants.ts';

/** What a node has of its replica, besides what the chain says. */
export interface LocalReplica {
  /** Seat on the roster, or -1 when the draw passed this node over. */
  seat: number;
  /** Whether the run has ended and the commitment is made. */
  ready: boolean;
  /** Whether this node defends itself against a rejection. */
  contests: boolean;
  /** Whether it holds everybody's signatures over the set of commitments. */
  closed: boolean;
  /** Whether the chain has other commitments than that set. */
  overruled: boolean;
}

export type NodeAction =
  | 'wait' | 'run' | 'post-commitment' | 'post-set' | 'expire' | 'contest' | 'open' | 'resolve' | 'finish';

/**
 * What a node does next about a job: the whole of its conduct on chain, as a pure function.
 *
 * @param now the chain's time, unix seconds
 */
export function nextNodeAction(job: JobState, local: LocalReplica, now: number): NodeAction {
  const deadline = deadlineOf(job);
  if (deadline === undefined) return 'finish';
  if (job.state === 'Open') return now > deadline + POKE_GRACE_SECONDS + job.request.assignWindow ? 'finish' : 'wait';
  if (local.seat < 0) return 'finish';

  const mine = 1 << local.seat;
  const late = now > deadline;
  const overdue = now > deadline + POKE_GRACE_SECONDS;
  switch (job.state) {
    case 'Assigned': {
      if (late) return overdue ? 'expire' : 'wait';
      if (!local.ready) return 'run';
      if (now < job.since + job.request.commitWindow * SELF_COMMIT_SHARE) return 'wait';
      if (local.closed) return 'post-set';
      return (job.committed & mine) === 0 ? 'post-commitment' : 'wait';
    }
    case 'Committed': {
      if (!late) return local.overruled && job.committed === (1 << job.roster.length) - 1 ? 'post-set' : 'wait';
      const closes = deadline + job.request.disputeWindow;
      return defend(job, mine, now, closes);
    }
    case 'Contestable': {
      const rejected = (job.committed & mine) !== 0 && (job.agreed & mine) === 0;
      if (rejected && local.contests && !late) return 'contest';
      return overdue ? 'resolve' : 'wait';
    }
    case 'Contested': return defend(job, mine, now, deadline);
    default: return 'finish';
  }
}

/** Opens the own sketch while it counts, and asks for the judgement once all are open or time is up. */
function defend(job: JobState & { state: 'Committed' | 'Contested' }, mine: number, now: number, closes: number): NodeAction {
  const allOpen = job.opened === job.committed;
  if ((job.committed & mine) !== 0 && (job.opened & mine) === 0 && now <= closes) return 'open';
  return allOpen || now > closes + POKE_GRACE_SECONDS ? 'resolve' : 'wait';
}
