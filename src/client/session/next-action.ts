import { deadlineOf, drawableAfter, isWidenable, summonDeadlineOf, type JobState } from '../../protocol/index.ts';
import { DEADLINE_GRACE_SECONDS, DIRECT_SHARE, EVIDENCE_WAIT_SHARE, PARTIAL_COMMIT_SHARE } from '../constants.ts';

/** What the client has at hand, besides what the chain says. */
export interface LocalJob {
  /** Valid bids for the draw that is next, posted ones among them. */
  bids: number;
  /** Of these, how many are not on chain. */
  unposted: number;
  /** Whether bids have been gathered for long enough. */
  bidWaitOver: boolean;
  /** Seats whose signed commitment is at hand, as a mask. */
  commitments: number;
  /** Committed seats whose evidence was opened or found wanting for good, as a mask. */
  examined: number;
  /** Whether all seats have signed the set of commitments; `given-up` when one would not, or its evidence did not come. */
  set: 'none' | 'signed' | 'given-up';
  /** Whether the chain has other commitments than the signed set. */
  overruled: boolean;
  /** Whether the secret draws the job's only replica for a check. */
  audited: boolean;
  /** Whether a panel may decide where the opened sketches do not. */
  panels: boolean;
  /** Whether the opened sketches have a majority. */
  majority: boolean;
  /** Whether fewer nodes ever registered than a widened job has seats. */
  hopeless: boolean;
  /** Seats that can be convicted by what is at hand, and are not yet, as a mask. */
  guilty: number;
}

export type ClientAction =
  | 'submit' | 'wait' | 'assign' | 'close' | 'commit' | 'commit-set' | 'examine' | 'settle' | 'settle-direct' | 'expire' | 'resolve' | 'done'
  | 'audit' | 'summon' | 'post-bids' | 'draw-more' | 'convict';

/**
 * What the client does next about its job: the whole of its conduct on chain, as a pure function.
 *
 * @param now the chain's time, unix seconds
 * @param head the chain's latest block
 */
export function nextClientAction(job: JobState | undefined, local: LocalJob, now: number, head: bigint): ClientAction {
  if (job === undefined) return 'submit';
  const deadline = deadlineOf(job);
  if (deadline === undefined) return 'done';
  const overdue = now > deadline + DEADLINE_GRACE_SECONDS;
  if (local.guilty !== 0 && 'committed' in job && !(overdue && job.state === 'Assigned')) return 'convict';
  switch (job.state) {
    case 'Open':
      if (overdue) return 'expire';
      return local.bids >= job.request.replicas && local.bidWaitOver && head >= job.seedBlock + BigInt(job.request.bidBlocks) ? 'assign' : 'wait';
    case 'Assigned': {
      if (overdue) return 'expire';
      const all = (1 << job.roster.length) - 1;
      const direct = local.set !== 'given-up' && !local.audited && job.committed === 0 && now <= job.since + job.request.commitWindow * DIRECT_SHARE;
      if (direct && (local.commitments & all) === all) {
        if (local.set === 'none') return 'close';
        return (local.examined & all) === all ? 'settle-direct' : 'examine';
      }
      const carried = job.committed | local.commitments;
      if ((local.commitments & ~job.committed) === 0) return 'wait';
      const waitedLong = now > job.since + job.request.commitWindow * PARTIAL_COMMIT_SHARE;
      return carried === all || waitedLong ? 'commit' : 'wait';
    }
    case 'Committed': {
      if (now > deadline) return judged(job, local, now, now > deadline + job.request.disputeWindow);
      if (local.audited && isWidenable(job)) return 'audit';
      if (local.overruled && job.committed === (1 << job.roster.length) - 1) return 'commit-set';
      if ((local.examined & job.committed) === job.committed) return 'settle';
      return now > job.since + job.request.settleWindow * EVIDENCE_WAIT_SHARE ? 'settle' : 'examine';
    }
    case 'Widening': {
      if (overdue || local.hopeless) return 'expire';
      const { block, time } = drawableAfter(job);
      if (local.bids > job.roster.length && head >= block && now > time) return 'draw-more';
      return local.unposted > 0 && local.bidWaitOver && head >= job.seedBlock ? 'post-bids' : 'wait';
    }
    case 'Contestable': return overdue ? 'resolve' : 'wait';
    case 'Contested': return judged(job, local, now, overdue);
    default: return 'done';
  }
}

/** All sketches are open or time is up: the contract judges, or where it cannot a panel is called. */
function judged(job: Extract<JobState, { state: 'Committed' | 'Contested' }>, { majority, panels }: LocalJob, now: number, over: boolean): ClientAction {
  const allOpen = job.opened === job.committed;
  if (!allOpen) return over ? 'resolve' : 'wait';
  if (majority || !isWidenable(job)) return 'resolve';
  const until = summonDeadlineOf(job);
  if (now > until + DEADLINE_GRACE_SECONDS) return 'resolve';
  return panels && now <= until ? 'summon' : 'wait';
}
