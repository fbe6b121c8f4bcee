import type { Address, Hex } from 'viem';
import { encodeAbiParameters, hexToBigInt, keccak256 } from 'viem/utils';
import { ProtocolError } from '../base/errors.ts';
import { MAX_WIDENED_REPLICAS, WIDENING_BLOCKS, WIDENING_POST_PART } from '../constants.ts';
import { setDigestOf, withCommitments, POLICIES, type JobRequest, type Opening, type SealedSeat, type Seat, type SignedBid } from '../statements/statements.ts';
import { zeroHash } from '../base/words.ts';

/** Names of the on-chain states, in the contract's order. */
export const JOB_STATES = [
  'None', 'Open', 'Assigned', 'Committed', 'Contestable', 'Contested', 'Settled', 'Cancelled', 'Expired', 'Widening',
] as const;
export type JobStateName = (typeof JOB_STATES)[number];

/** How a replica ended. */
export type ReplicaVerdict = 'agreed' | 'deviated' | 'absent' | 'undecided';
export const REPLICA_VERDICTS: readonly ReplicaVerdict[] = ['undecided', 'agreed', 'deviated', 'absent'];

interface Placed { request: JobRequest; since: number }
/** While commitments come in, seats without one carry zero. */
interface Rostered extends Placed {
  roster: readonly SealedSeat[];
  committed: number;
  /** Seats proven to have signed two commitments, or to have claimed input they did not hold. */
  equivocated?: number;
  /** Once a widening was called for; there is one a job. */
  widening?: Widening;
}

/**
 * An audit or a panel: from k to 2k + 1 seats, the first k with the commitments they have. `lapsed`: nobody was drawn, and the job went
 * on as it was.
 */
export interface Widening { caller: Address; audit: boolean; lapsed: boolean }

/** A job as the chain knows it; each state carries only its own data. Times are unix seconds, sets of seats are bit masks. */
export type JobState =
  | ({ state: 'Open'; seedBlock: bigint } & Placed)
  | ({ state: 'Assigned' } & Rostered)
  | ({ state: 'Committed'; opened: number } & Rostered)
  | ({ state: 'Contestable'; agreed: number; shard: number } & Rostered)
  | ({ state: 'Contested'; agreed: number; shard: number; contested: number; opened: number } & Rostered)
  | ({ state: 'Settled'; verdicts: readonly ReplicaVerdict[]; roster: readonly SealedSeat[] } & Placed)
  | ({ state: 'Cancelled' } & Placed)
  | ({ state: 'Expired' } & Placed)
  | ({ state: 'Widening'; seedBlock: bigint; widening: Widening } & Rostered);

/** What the contract emitted about one job, decoded; `blockHash` and `logIndex` are its place on the chain, `at` the block's time. */
export type JobEvent = { jobId: Hex; at: number; blockHash: Hex; logIndex: number } & (
  | { type: 'Submitted'; request: JobRequest; seedBlock: bigint }
  | { type: 'Assigned'; roster: readonly Seat[] }
  | { type: 'CommitmentPosted'; index: number; commitment: Hex }
  | { type: 'CommitmentsClosed'; committed: number }
  | { type: 'SetPosted'; commitments: readonly Hex[] }
  | { type: 'BidPosted'; round: number; key: bigint; bid: Omit<SignedBid, 'jobId' | 'seed' | 'round'> }
  | { type: 'EquivocationProven'; index: number }
  | { type: 'FalseClaimProven'; index: number }
  | { type: 'WideningCalled'; caller: Address; audit: boolean; seedBlock: bigint }
  | { type: 'Widened'; roster: readonly Seat[] }
  | { type: 'VerdictPosted'; agreed: number; shard: number }
  | { type: 'VerdictContested'; index: number }
  | { type: 'SketchOpened'; index: number; opening: Opening }
  | { type: 'Settled'; verdicts: readonly ReplicaVerdict[] }
  | { type: 'Cancelled' }
  | { type: 'Expired' }
);

/** Carries a job over one event. @throws ProtocolError TRANSITION_INVALID for an edge the contract does not have */
export function advance(job: JobState | undefined, event: JobEvent): JobState {
  if (event.type === 'Submitted') return submitted(job, event);
  if (job === undefined) throw impossible('None', event);
  switch (event.type) {
    case 'Assigned': return assigned(job, event);
    case 'CommitmentPosted': return commitmentPosted(job, event);
    case 'CommitmentsClosed': return commitmentsClosed(job, event);
    case 'SetPosted': return setPosted(job, event);
    case 'BidPosted': return bidPosted(job, event);
    case 'EquivocationProven': return equivocationProven(job, event);
    case 'FalseClaimProven': return falseClaimProven(job, event);
    case 'WideningCalled': return wideningCalled(job, event);
    case 'Widened': return widened(job, event);
    case 'VerdictPosted': return verdictPosted(job, event);
    case 'VerdictContested': return verdictContested(job, event);
    case 'SketchOpened': return sketchOpened(job, event);
    case 'Settled': return settled(job, event);
    case 'Cancelled': return ended(job, event, 'Open', 'Cancelled');
    case 'Expired': return ended(job, event, 'Assigned', 'Expired');
  }
}

type EventOf<T extends JobEvent['type']> = Extract<JobEvent, { type: T }>;

/** None -> Open */
function submitted(job: JobState | undefined, event: EventOf<'Submitted'>): JobState {
  if (job !== undefined) throw impossible(job.state, event);
  return { state: 'Open', request: event.request, seedBlock: event.seedBlock, since: event.at };
}

/** Open -> Assigned */
function assigned(job: JobState, event: EventOf<'Assigned'>): JobState {
  if (job.state !== 'Open') throw impossible(job.state, event);
  return { state: 'Assigned', request: job.request, roster: event.roster.map((seat) => ({ ...seat, commitment: zeroHash })), committed: 0, since: event.at };
}

/** Assigned -> Assigned, with one more commitment */
function commitmentPosted(job: JobState, event: EventOf<'CommitmentPosted'>): JobState {
  const bit = 1 << event.index;
  if (job.state !== 'Assigned' || (job.committed & bit) !== 0) throw impossible(job.state, event);
  return {
    ...job, committed: job.committed | bit,
    roster: job.roster.map((seat, index) => (index === event.index ? { ...seat, commitment: event.commitment } : seat)),
  };
}

/** Open -> Open, Widening -> Widening: a bid that the draw cannot pass over */
function bidPosted(job: JobState, event: EventOf<'BidPosted'>): JobState {
  if (job.state !== (event.round === 0 ? 'Open' : 'Widening')) throw impossible(job.state, event);
  return job;
}

/** Assigned -> Committed, or Widening -> Committed where nobody was drawn */
function commitmentsClosed(job: JobState, event: EventOf<'CommitmentsClosed'>): JobState {
  if (job.state === 'Widening' && job.committed === event.committed) {
    const { seedBlock: _, ...rest } = job;
    return { ...rest, state: 'Committed', opened: 0, since: event.at, widening: { ...job.widening, lapsed: true } };
  }
  if (job.state !== 'Assigned' || job.committed !== event.committed) throw impossible(job.state, event);
  // Who did not commit has lost what it had to lose.
  const { equivocated = 0, ...rest } = job;
  return { ...rest, ...((equivocated & job.committed) === 0 ? {} : { equivocated: equivocated & job.committed }), state: 'Committed', opened: 0, since: event.at };
}

/** Assigned -> Committed, or Committed -> Committed with other commitments */
function setPosted(job: JobState, event: EventOf<'SetPosted'>): JobState {
  if ((job.state !== 'Assigned' && job.state !== 'Committed') || event.commitments.length !== job.roster.length) throw impossible(job.state, event);
  const roster = withCommitments(job.roster, event.commitments);
  const committed = (1 << roster.length) - 1;
  return job.state === 'Committed' ? { ...job, roster } : { ...job, state: 'Committed', roster, committed, opened: 0, since: event.at };
}

/** Committed, Contestable or Contested, with one more seat that signed two commitments */
function equivocationProven(job: JobState, event: EventOf<'EquivocationProven'>): JobState {
  if (job.state !== 'Committed' && job.state !== 'Contestable' && job.state !== 'Contested') throw impossible(job.state, event);
  return { ...job, equivocated: (job.equivocated ?? 0) | (1 << event.index) };
}

/** Any state with locked stakes, with one more seat that claimed input it did not hold */
function falseClaimProven(job: JobState, event: EventOf<'FalseClaimProven'>): JobState {
  if (!('committed' in job)) throw impossible(job.state, event);
  return { ...job, equivocated: (job.equivocated ?? 0) | (1 << event.index) };
}

/** Committed or Contested -> Widening: verdict, contests and openings are void */
function wideningCalled(job: JobState, event: EventOf<'WideningCalled'>): JobState {
  if ((job.state !== 'Committed' && job.state !== 'Contested') || job.widening !== undefined) throw impossible(job.state, event);
  const { request, roster, committed, equivocated } = job;
  const { caller, audit, seedBlock } = event;
  return {
    state: 'Widening', request, roster, committed, ...(equivocated === undefined ? {} : { equivocated }), seedBlock, since: event.at,
    widening: { caller, audit, lapsed: false },
  };
}

/** Widening -> Assigned, with newcomers; the first seats' commitments stand */
function widened(job: JobState, event: EventOf<'Widened'>): JobState {
  if (job.state !== 'Widening') throw impossible(job.state, event);
  const { seedBlock: _, ...rest } = job;
  return { ...rest, state: 'Assigned', since: event.at, roster: event.roster.map((seat, index) => ({ ...seat, commitment: job.roster[index]?.commitment ?? zeroHash })) };
}

/** Committed -> Contestable */
function verdictPosted(job: JobState, event: EventOf<'VerdictPosted'>): JobState {
  if (job.state !== 'Committed') throw impossible(job.state, event);
  const { opened: _, ...rest } = job;
  return { ...rest, state: 'Contestable', agreed: event.agreed, shard: event.shard, since: event.at };
}

/** Contestable -> Contested, or Contested -> Contested with one more contestant */
function verdictContested(job: JobState, event: EventOf<'VerdictContested'>): JobState {
  const bit = 1 << event.index;
  if (job.state === 'Contestable') return { ...job, state: 'Contested', contested: bit, opened: 0, since: event.at };
  if (job.state !== 'Contested') throw impossible(job.state, event);
  return { ...job, contested: job.contested | bit };
}

/** Contested -> Contested or Committed -> Committed (silent client), with one more opened sketch */
function sketchOpened(job: JobState, event: EventOf<'SketchOpened'>): JobState {
  if (job.state !== 'Contested' && job.state !== 'Committed') throw impossible(job.state, event);
  return { ...job, opened: job.opened | (1 << event.index) };
}

/** Assigned (all agreed on a signed set), Committed, Contestable or Contested -> Settled */
function settled(job: JobState, event: EventOf<'Settled'>): JobState {
  if (job.state !== 'Assigned' && job.state !== 'Committed' && job.state !== 'Contestable' && job.state !== 'Contested') throw impossible(job.state, event);
  return { state: 'Settled', request: job.request, roster: job.roster, since: event.at, verdicts: job.roster.map((_, seat) => event.verdicts[seat] ?? 'undecided') };
}

/** Open -> Cancelled, Assigned -> Expired */
function ended(job: JobState, event: JobEvent, from: JobStateName, to: 'Cancelled' | 'Expired'): JobState {
  if (job.state !== from) throw impossible(job.state, event);
  return { state: to, request: job.request, since: event.at };
}

/** Whether nothing more can happen to the job. */
export function isFinal(job: Pick<JobState, 'state'>): boolean {
  return job.state === 'Settled' || job.state === 'Cancelled' || job.state === 'Expired';
}

/** Unix second after which anyone may move the job on, or undefined when it is final. */
export function deadlineOf(job: JobState): number | undefined {
  switch (job.state) {
    case 'Open':
    case 'Widening': return job.since + job.request.assignWindow;
    case 'Assigned': return job.since + job.request.commitWindow;
    case 'Committed': return job.since + job.request.settleWindow;
    case 'Contestable':
    case 'Contested': return job.since + job.request.disputeWindow;
    default: return undefined;
  }
}

/** Whether an audit or a panel may still be called for: everybody committed, at most 7 seats, comparable, never widened. */
export function isWidenable(job: JobState): job is Extract<JobState, { state: 'Committed' | 'Contested' }> {
  return (job.state === 'Committed' || job.state === 'Contested') && job.widening === undefined && job.roster.length <= MAX_WIDENED_REPLICAS
    && job.committed === (1 << job.roster.length) - 1 && POLICIES[job.request.policy] !== 'none';
}

/** Seats of a job once it is widened: as many newcomers as there are, and one. */
export function widenedSeats(replicas: number): number {
  return 2 * replicas + 1;
}

/**
 * Unix second until which `summon` is possible, once all seats have opened; `resolve` waits for it where a job that can be widened has
 * no majority.
 */
export function summonDeadlineOf({ state, since, request }: Extract<JobState, { state: 'Committed' | 'Contested' }>): number {
  return since + (state === 'Committed' ? request.settleWindow : 0) + request.disputeWindow + request.assignWindow;
}

/** From when on newcomers may be drawn: after this block and after this unix second. Until then bids are posted. */
export function drawableAfter({ since, seedBlock, request }: Extract<JobState, { state: 'Widening' }>): { block: bigint; time: number } {
  return { block: seedBlock + BigInt(request.bidBlocks + WIDENING_BLOCKS), time: since + Math.floor(request.assignWindow / WIDENING_POST_PART) };
}

/** Which shard's sketches are opened: the one the verdict names; without a verdict uint256(keccak256(abi.encode(jobId, setDigest))) % shards. */
export function openedShardOf(jobId: Hex, job: Extract<JobState, { state: 'Committed' | 'Contestable' | 'Contested' }>): number {
  if (job.state !== 'Committed') return job.shard;
  const word = keccak256(encodeAbiParameters([{ type: 'bytes32' }, { type: 'bytes32' }], [jobId, setDigestOf(job.roster)]));
  return Number(hexToBigInt(word) % BigInt(job.request.shards));
}

function impossible(state: JobStateName, event: JobEvent): ProtocolError {
  return new ProtocolError('TRANSITION_INVALID', `${event.type} is impossible in state ${state}`, { details: event.jobId });
}

/** The state a job's events lead to, in chain order; undefined before the first. @throws ProtocolError TRANSITION_INVALID */
export function replay(events: readonly JobEvent[]): JobState | undefined {
  let job: JobState | undefined;
  for (const event of events) job = advance(job, event);
  return job;
}

/** A job's events with one more, or without one that a reorganisation took back. The same event twice counts once. */
export function amend(events: readonly JobEvent[], event: JobEvent, removed: boolean): JobEvent[] {
  const others = events.filter((known) => known.blockHash !== event.blockHash || known.logIndex !== event.logIndex);
  if (removed) return others;
  return others.length < events.length ? [...events] : [...events, event];
}

/** The sketches opened so far, in order of seat: what `resolve` and `summon` repeat. Those before a widening are void. */
export function openingsIn(events: readonly JobEvent[]): (Opening & { index: number })[] {
  return events
    .slice(events.findLastIndex(({ type }) => type === 'WideningCalled') + 1)
    .flatMap((event) => (event.type === 'SketchOpened' ? [{ index: event.index, ...event.opening }] : []))
    .sort((a, b) => a.index - b.index);
}
