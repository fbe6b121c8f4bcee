import { hasMajority } from '../../evidence/index.ts';
import { isAudited, openingsIn, POLICIES, type JobState, type SealedSeat } from '../../protocol/index.ts';
import { heldCommitments, isOverruled } from './closing/commitments.ts';
import type { JobRecord } from '../book/job-record.ts';
import type { LocalJob } from './next-action.ts';
import { secretOf } from '../request/prepare-job.ts';
import type { BidBook } from './draw/bid-book.ts';
import type { SessionContext } from './context.ts';
import type { Examination } from './examination.ts';
import type { Guilt } from './guilt.ts';

/** The parts of a session that know something, and what it decided itself. */
export interface Knowing {
  bids: BidBook;
  examination: Examination;
  guilt: Guilt;
  bidWaitOver: boolean;
  /** Whether the way in three messages is given up. */
  directOver: boolean;
  panels: boolean;
  /** Whether nobody can be drawn for a widening. */
  hopeless: boolean;
}

/** What the client has at hand for deciding what is next. */
export function atHand({ record }: SessionContext, job: JobState | undefined, { bids, examination, guilt, bidWaitOver, directOver, panels, hopeless }: Knowing): LocalJob {
  const roster = job !== undefined && 'roster' in job ? job.roster : [];
  const opened = job?.state === 'Contested' || job?.state === 'Committed' ? openingsIn(record.events) : [];
  // Seats that had committed before a widening do not sign again.
  const widened = job !== undefined && 'widening' in job && job.widening !== undefined;
  return {
    bids: bids.count, unposted: job?.state === 'Widening' ? bids.unposted().length : 0, bidWaitOver,
    commitments: heldCommitments(job, record.commitments), examined: examination.examined,
    set: directOver || widened ? 'given-up' : record.set === undefined ? 'none' : 'signed',
    overruled: isOverruled(roster, record.set), audited: audited(record, roster), panels, hopeless,
    majority: opened.length > 0 && hasMajority(POLICIES[record.request.policy] ?? 'none', opened, record.request.shards),
    guilty: guilt.mask(job),
  };
}

/** Whether the secret draws the only replica for a check, by the commitment that counts. */
function audited({ jobId, seed, auditBps = 0, commitments }: JobRecord, [only, ...others]: readonly SealedSeat[]): boolean {
  if (auditBps === 0 || only === undefined || others.length > 0) return false;
  const commitment = BigInt(only.commitment) === 0n ? commitments[only.node.toLowerCase()]?.commitment : only.commitment;
  return commitment !== undefined && isAudited(secretOf(seed), auditBps, jobId, commitment);
}
