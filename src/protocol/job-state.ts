import { zeroHash, type Hex } from 'viem';
import { ProtocolError } from './errors.ts';
import { withCommitments, type JobRequest, type Opening, type SealedSeat, type Seat } from './statements.ts';

/** Names of the on-chain states, in the contract's order. */
export const JOB_STATES = [
  'None', 'Open', 'Assigned', 'Committed', 'Contestable', 'Contested', 'Settled', 'Cancelled', 'Expired',
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
  /** Seats proven to have signed two commitments. */
  equivocated?: number;
}

/** A job as the chain knows it; each state carries only its own data. Times are unix seconds, sets of seats are bit masks. */
export type JobState =
  | ({ state: 'Open'; seedBlock: bigint } & Placed)
  | ({ state: 'Assigned' } & Rostered)
  | ({ state: 'Committed'; opened: number } & Rostered)
  | ({ state: 'Contestable'; agreed: number } & Rostered)
  | ({ state: 'Contested'; agreed: number; contested: number; opened: number } & Rostered)
  | ({ state: 'Settled'; verdicts: readonly ReplicaVerdict[]; roster: readonly SealedSeat[] } & Placed)
  | ({ state: 'Cancelled' } & Placed)
  | ({ state: 'Expired' } & Placed);

/** What the contract emitted about one job, decoded; `blockHash` and `logIndex` are its place on the chain, `at` the block's time. */
export type JobEvent = { jobId: Hex; at: number; blockHash: Hex; logIndex: number } & (
  | { type: 'Submitted'; request: JobRequest; seedBlock: bigint }
  | { type: 'Assigned'; roster: readonly Seat[] }
  | { type: 'CommitmentPosted'; index: number; commitment: Hex }
  | { type: 'CommitmentsClosed'; committed: number }
  | { type: 'SetPosted'; commitments: readonly Hex[] }
  | { type: 'EquivocationProven'; index: number }
  | { type: 'VerdictPosted'; agreed: number }
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
    case 'EquivocationProven': return equivocationProven(job, event);
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

/** Assigned -> Committed */
function commitmentsClosed(job: JobState, event: EventOf<'CommitmentsClosed'>): JobState {
  if (job.state !== 'Assigned' || job.committed !== event.committed) throw impossible(job.state, event);
  return { ...job, state: 'Committed', opened: 0, since: event.at };
}

/** Assigned -> Committed, or Committed -> Committed with other commitments */
function setPosted(job: JobState, event: EventOf<'SetPosted'>): JobState {
  if ((job.state !== 'Assigned' && job.state !== 'Committed') || event.commitments.length !== job.roster.length) throw impossible(job.state, event);
  const roster = withCommitments(job.roster, event.commitments);
  const committed = (1 << roster.length) - 1;
  return job.state === 'Committed' ? { ...job, roster } : { state: 'Committed', request: job.request, roster, committed, opened: 0, since: event.at };
}

/** Committed, Contestable or Contested, with one more seat that signed two commitments */
function equivocationProven(job: JobState, event: EventOf<'EquivocationProven'>): JobState {
  if (job.state !== 'Committed' && job.state !== 'Contestable' && job.state !== 'Contested') throw impossible(job.state, event);
  return { ...job, equivocated: (job.equivocated ?? 0) | (1 << event.index) };
}

/** Committed -> Contestable */
function verdictPosted(job: JobState, event: EventOf<'VerdictPosted'>): JobState {
  if (job.state !== 'Committed') throw impossible(job.state, event);
  const { opened: _, ...rest } = job;
  return { ...rest, state: 'Contestable', agreed: event.agreed, since: event.at };
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
    case 'Open': return job.since + job.request.assignWindow;
    case 'Assigned': return job.since + job.request.commitWindow;
    case 'Committed': return job.since + job.request.settleWindow;
    case 'Contestable':
    case 'Contested': return job.since + job.request.disputeWindow;
    default: return undefined;
  }
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

/** The sketches opened so far, in order of seat: what `resolve` repeats. */
export function openingsIn(events: readonly JobEvent[]): (Opening & { index: number })[] {
  return events
    .flatMap((event) => (event.type === 'SketchOpened' ? [{ index: event.index, ...event.opening }] : []))
    .sort((a, b) => a.index - b.index);
}
