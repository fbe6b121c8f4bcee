import { deadlineOf, drawableAfter, isWidenable, summonDeadlineOf, type JobState } from '../../protocol/index.ts';
import { POKE_GRACE_SECONDS, SELF_COMMIT_SHARE } from '../constants.ts';

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
  /** The draw that the bid is for, 0 or 1. */
  round: number;
  /** Whether the bid goes to the chain, because the client may leave it out. */
  posts: boolean;
  /** Whether it calls a panel where the opened sketches have no majority. */
  summons: boolean;
  /** Whether they have one. */
  majority: boolean;
  /** Bids for newcomers on chain. */
  newcomers: number;
  /** Seats that can be convicted by what is at hand, and are not yet, as a mask. */
  guilty: number;
}

export type NodeAction =
  | 'wait' | 'run' | 'post-commitment' | 'post-set' | 'expire' | 'contest' | 'open' | 'resolve' | 'finish'
  | 'post-bid' | 'bid-again' | 'draw-more' | 'summon' | 'convict';

/**
 * What a node does next about a job: the whole of its conduct on chain, as a pure function.
 *
 * @param now the chain's time, unix seconds
 * @param head the chain's latest block
 */
export function nextNodeAction(job: JobState, local: LocalReplica, now: number, head: bigint): NodeAction {
  const deadline = deadlineOf(job);
  if (deadline === undefined) return 'finish';
  if (job.state === 'Open') {
    if (now > deadline + POKE_GRACE_SECONDS + job.request.assignWindow) return 'finish';
    return local.posts && now <= deadline && head >= job.seedBlock ? 'post-bid' : 'wait';
  }
  const late = now > deadline;
  const overdue = now > deadline + POKE_GRACE_SECONDS;
  if (job.state === 'Widening') return widening(job, local, now, head, { late, overdue });
  if (local.seat < 0) return 'finish';

  const mine = 1 << local.seat;
  if (local.guilty !== 0) return 'convict';
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
      return defend(job, local, mine, now, deadline + job.request.disputeWindow);
    }
    case 'Contestable': {
      const rejected = (job.committed & mine) !== 0 && (job.agreed & mine) === 0;
      if (rejected && local.contests && !late) return 'contest';
      return overdue ? 'resolve' : 'wait';
    }
    case 'Contested': return defend(job, local, mine, now, deadline);
    default: return 'finish';
  }
}

/** Who has no seat bids for one; who has one sees that newcomers are drawn. */
function widening(
  job: Extract<JobState, { state: 'Widening' }>, local: LocalReplica, now: number, head: bigint, { late, overdue }: { late: boolean; overdue: boolean },
): NodeAction {
  if (local.seat < 0) {
    if (overdue) return 'finish';
    if (local.round === 0) return 'bid-again';
    return local.posts && !late && head >= job.seedBlock ? 'post-bid' : 'wait';
  }
  if (late) return overdue ? 'expire' : 'wait';
  // The client draws as soon as it may, of more bids than are on chain.
  const { block } = drawableAfter(job);
  return local.newcomers > job.roster.length && head >= block && now > job.since + job.request.assignWindow / 2 ? 'draw-more' : 'wait';
}

/** Opens the own sketch while it counts, and asks for the judgement once all are open or time is up: of the contract, or where it finds no majority of a panel. */
function defend(job: JobState & { state: 'Committed' | 'Contested' }, { majority, summons }: LocalReplica, mine: number, now: number, closes: number): NodeAction {
  const allOpen = job.opened === job.committed;
  if ((job.committed & mine) !== 0 && (job.opened & mine) === 0 && now <= closes) return 'open';
  if (!allOpen) return now > closes + POKE_GRACE_SECONDS ? 'resolve' : 'wait';
  if (majority || !isWidenable(job)) return 'resolve';
  const until = summonDeadlineOf(job);
  if (now > until + POKE_GRACE_SECONDS) return 'resolve';
  // The client has the first half of the time: it called for the job.
  return summons && now <= until && now > until - job.request.assignWindow / 2 ? 'summon' : 'wait';
}
