import type { JobEvent } from './job-state.ts';
import type { SignedBid } from '../statements/statements.ts';
import { zeroHash } from '../base/words.ts';

type Posted = Extract<JobEvent, { type: 'BidPosted' }>;

/**
 * The bids that the draw must not leave out: of each node the last one it posted, and of these those with the smallest keys, as many as
 * there are seats to draw.
 */
export function postedBids(events: readonly JobEvent[], round: number): SignedBid[] {
  const submitted = events.find(({ type }) => type === 'Submitted');
  if (submitted?.type !== 'Submitted') return [];
  const seats = round === 0 ? submitted.request.replicas : submitted.request.replicas + 1;
  const last = new Map<string, Posted>();
  for (const event of events) if (event.type === 'BidPosted' && event.round === round) last.set(event.bid.node.toLowerCase(), event);
  return [...last.values()].sort((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0)).slice(0, seats)
    .map(({ jobId, bid }) => ({ ...bid, jobId, seed: zeroHash, round }));
}
