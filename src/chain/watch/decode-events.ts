import { decodeEventLog, type Address, type Hex } from 'viem';
import { REPLICA_VERDICTS, type JobEvent, type ReplicaVerdict } from '../../protocol/index.ts';
import { schedulerAbi } from '../abi.ts';
import { ChainError } from '../errors.ts';

/** A log as JSON-RPC gives it, numbers as hex. */
export interface RpcLog {
  address: Address;
  topics: readonly Hex[];
  data: Hex;
  blockNumber: Hex;
  blockHash: Hex;
  transactionHash: Hex;
  logIndex: Hex;
  /** Unix seconds; some nodes give it, others do not. */
  blockTimestamp?: Hex;
  removed?: boolean;
}

/** Where on the chain an event stands. `at` is the block's time, unix seconds. */
export interface EventPosition { blockHash: Hex; blockNumber: bigint; transactionHash: Hex; logIndex: number; at: number }

type Detail<T extends JobEvent['type'], D> = Extract<JobEvent, { type: T }> & D;

/** A JobEvent with everything the log says besides what the state machine needs. */
export type DetailedJobEvent =
  | Exclude<JobEvent, { type: 'VerdictPosted' | 'Settled' }>
  | Detail<'VerdictPosted', { reportDigest: Hex }>
  /** `verdicts` ends with the last seat that is not undecided: the log does not say how many seats there are; `advance` fills them up. */
  | Detail<'Settled', { paid: bigint; slashed: bigint }>;

/** What the contract emitted about a party. Amounts in coin units, reputation counts in 1/256. */
export type PartyEvent =
  | { type: 'Registered'; node: Address; amount: bigint; profile: Hex }
  | { type: 'Funded'; client: Address; amount: bigint }
  | { type: 'Withdrawn'; party: Address; asNode: boolean; to: Address; amount: bigint }
  | { type: 'Rated'; party: Address; asNode: boolean; good: number; bad: number };

export type ChainEvent = EventPosition & (DetailedJobEvent | PartyEvent);

/** Whether an event belongs to a job; then it can be given to `advance`. */
export function isJobEvent(event: ChainEvent): event is EventPosition & DetailedJobEvent {
  return 'jobId' in event;
}

/**
 * Decodes a log of the scheduler.
 *
 * @param at Time of the log's block, unix seconds; may be left out where the log brings it
 * @returns undefined for an event of another contract version
 * @throws ChainError EVENT_INVALID for a known event with impossible contents, or when the time is not known
 */
export function decodeEvent(log: RpcLog, at = log.blockTimestamp === undefined ? Number.NaN : Number(log.blockTimestamp)): ChainEvent | undefined {
  if (!Number.isFinite(at)) throw new ChainError('EVENT_INVALID', 'the time of the log\'s block is not known', { details: `block ${Number(log.blockNumber)}` });
  if (log.topics.length === 0) return undefined;
  let decoded;
  try {
    decoded = decodeEventLog({ abi: schedulerAbi, topics: log.topics as [Hex, ...Hex[]], data: log.data, strict: true });
  } catch (cause) {
    if (cause instanceof Error && cause.name === 'AbiEventSignatureNotFoundError') return undefined;
    throw new ChainError('EVENT_INVALID', 'a log of the scheduler cannot be decoded', {
      details: `log ${Number(log.logIndex)} of block ${Number(log.blockNumber)}`, cause, hint: 'the contract may be of another version',
    });
  }
  const position: EventPosition = {
    blockHash: log.blockHash, blockNumber: BigInt(log.blockNumber), transactionHash: log.transactionHash, logIndex: Number(log.logIndex), at,
  };
  switch (decoded.eventName) {
    case 'Submitted': return { ...position, type: 'Submitted', jobId: decoded.args.jobId, request: decoded.args.request, seedBlock: BigInt(decoded.args.seedBlock) };
    case 'Assigned': return { ...position, type: 'Assigned', jobId: decoded.args.jobId, roster: decoded.args.roster };
    case 'CommitmentPosted': return { ...position, type: 'CommitmentPosted', ...decoded.args };
    case 'CommitmentsClosed': return { ...position, type: 'CommitmentsClosed', ...decoded.args };
    case 'SetPosted': return { ...position, type: 'SetPosted', ...decoded.args };
    case 'BidPosted': {
      const { jobId, round, key, bid } = decoded.args;
      return { ...position, type: 'BidPosted', jobId, round, key, bid };
    }
    case 'FalseClaimProven': return { ...position, type: 'FalseClaimProven', ...decoded.args };
    case 'WideningCalled': return { ...position, type: 'WideningCalled', ...decoded.args, seedBlock: BigInt(decoded.args.seedBlock) };
    case 'Widened': return { ...position, type: 'Widened', ...decoded.args };
    case 'EquivocationProven': return { ...position, type: 'EquivocationProven', ...decoded.args };
    case 'VerdictPosted': return { ...position, type: 'VerdictPosted', ...decoded.args };
    case 'VerdictContested': return { ...position, type: 'VerdictContested', ...decoded.args };
    case 'SketchOpened': {
      const { index, ...opening } = decoded.args.opening;
      return { ...position, type: 'SketchOpened', jobId: decoded.args.jobId, index, opening };
    }
    case 'Settled': {
      const { jobId, verdicts, paid, slashed } = decoded.args;
      return { ...position, type: 'Settled', jobId, verdicts: unpackVerdicts(verdicts), paid, slashed };
    }
    case 'Cancelled': return { ...position, type: 'Cancelled', jobId: decoded.args.jobId };
    case 'Expired': return { ...position, type: 'Expired', jobId: decoded.args.jobId };
    case 'Registered': return { ...position, type: 'Registered', ...decoded.args };
    case 'Funded': return { ...position, type: 'Funded', ...decoded.args };
    case 'Withdrawn': return { ...position, type: 'Withdrawn', ...decoded.args };
    case 'Rated': return { ...position, type: 'Rated', ...decoded.args };
    default: return undefined;
  }
}

/** Two bits a seat, seat 0 lowest, up to the last seat that is not undecided. */
export function unpackVerdicts(packed: number): ReplicaVerdict[] {
  const verdicts: ReplicaVerdict[] = [];
  for (let rest = packed; rest !== 0; rest >>>= 2) verdicts.push(REPLICA_VERDICTS[rest & 3]!);
  return verdicts;
}
