import { isAddressEqual } from 'viem';
import { hasMajority } from '../../evidence/index.ts';
import { openingsIn, POLICIES, postedBids, seatOf, type JobState } from '../../protocol/index.ts';
import type { NodeInit } from '../components.ts';
import { POST_SHARE } from '../constants.ts';
import type { ReplicaRecord } from '../replica-record.ts';
import { overruled } from './commitment-set.ts';
import type { LocalReplica } from './next-action.ts';

type Init = Pick<NodeInit, 'address' | 'contests' | 'summons' | 'postBids'>;

/**
 * What a node has of its replica, by its record.
 *
 * @param guilty seats that can be convicted, as a mask
 * @param now the chain's time, unix seconds
 */
export function localReplica(record: ReplicaRecord, job: JobState, { address, contests, summons, postBids }: Init, guilty: number, now: number): LocalReplica {
  const { events, set, bid } = record;
  const judged = job.state === 'Committed' || job.state === 'Contested' ? openingsIn(events) : [];
  return {
    seat: 'roster' in job ? seatOf(job.roster, address) : -1,
    ready: record.outcome !== undefined || record.failure !== undefined, contests,
    // Those that had signed a set before the job was widened are not all seats any more.
    closed: set?.signatures !== undefined && 'roster' in job && set.commitments.length === job.roster.length,
    overruled: 'roster' in job && overruled(job.roster, set),
    round: bid.round,
    posts: posts(record, job, { address, postBids }, now),
    summons: summons && record.summoned !== true,
    majority: judged.length > 0 && hasMajority(POLICIES[record.request.policy] ?? 'none', judged, record.request.shards),
    newcomers: postedBids(events, 1).length,
    guilty,
  };
}

/**
 * Whether the bid goes to the chain: always, or where the client did not take it. Of a widened job also where the client took it and
 * has not posted it in good time, for only bids on chain are protected there, and the client may be gone.
 */
function posts({ bid, bidding, events }: ReplicaRecord, job: JobState, { postBids, address }: Pick<Init, 'postBids' | 'address'>, now: number): boolean {
  if (postBids === 'never' || bidding === undefined || bidding === 'posted') return false;
  if (postedBids(events, bid.round).some(({ node }) => isAddressEqual(node, address))) return false;
  const wanted = bidding === 'unacknowledged' || postBids === 'always';
  if (job.state === 'Widening') return wanted || now > job.since + job.request.assignWindow * POST_SHARE;
  return job.request.bidBlocks > 0 && wanted;
}
