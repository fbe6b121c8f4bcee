import * as fc from 'fast-check';
import type { JobStateName } from '../../../src/protocol/index.ts';

/** In one sequence. */
export const MOST_JOBS = 8;

/**
 * A step that somebody tries, possible or not. Numbers are taken modulo what there is: jobs, seats, nodes. `tones` and `mask` have a bit a
 * seat: which of two results a seat has, which seats take part.
 */
export type Action =
  | { do: 'submit'; replicas: number; policy: number; price: number; stake: number; terms: number }
  /** `claims` has two bits a node: whether it claims input, and whether it lies. `amended`: kept bids come with other terms than they were posted with. */
  | { do: 'assign'; job: number; bidders: number; price: number; claims: number; amended: boolean }
  | { do: 'postBids'; job: number; bidders: number; price: number; claims: number }
  | { do: 'commit'; job: number; mask: number; tones: number }
  | { do: 'commitSet'; job: number; tones: number }
  | { do: 'settle'; job: number; agreed: number; shard: number }
  | { do: 'settleDirect'; job: number; agreed: number; tones: number; shard: number }
  | { do: 'prove'; job: number; seat: number }
  /** That a seat's claim is false, by its bid. */
  | { do: 'disprove'; job: number; seat: number }
  | { do: 'contest'; job: number; seat: number }
  | { do: 'open'; job: number; mask: number }
  | { do: 'resolve'; job: number }
  | { do: 'audit'; job: number }
  | { do: 'summon'; job: number; caller: number }
  | { do: 'drawMore'; job: number; bidders: number; price: number; claims: number; amended: boolean }
  | { do: 'expire'; job: number }
  | { do: 'cancel'; job: number }
  | { do: 'deposit'; who: number; amount: number }
  | { do: 'withdraw'; who: number; amount: number }
  | { do: 'wait'; seconds: number }
  /** Until a job's nodes can be drawn. */
  | { do: 'ready'; job: number }
  /** Until the deadline of a job's state is past. */
  | { do: 'outwait'; job: number };

const job = fc.nat(MOST_JOBS - 1);
const mask = fc.integer({ min: 0, max: 127 });
/** Mostly everybody: or few jobs would get far. */
const most = fc.oneof({ weight: 3, arbitrary: fc.constant(127) }, { weight: 2, arbitrary: mask });
/** All alike, or one alone, or anything. */
const tones = fc.oneof({ weight: 2, arbitrary: fc.constant(0) }, { weight: 3, arbitrary: fc.constant(1) }, { weight: 3, arbitrary: mask });
const price = fc.nat(4);
const claims = fc.oneof(fc.constant(0), fc.nat(0xffff));
const amended = fc.oneof({ weight: 5, arbitrary: fc.constant(false) }, { weight: 1, arbitrary: fc.constant(true) });

/** Any step, at any time. */
export const anyAction: fc.Arbitrary<Action> = fc.oneof(
  fc.record({ do: fc.constant('submit' as const), replicas: fc.integer({ min: 1, max: 4 }), policy: fc.nat(2), price: fc.integer({ min: 0, max: 3 }), stake: fc.nat(4), terms: fc.nat(999) }),
  fc.record({ do: fc.constant('assign' as const), job, bidders: most, price, claims, amended }),
  fc.record({ do: fc.constant('postBids' as const), job, bidders: mask, price, claims }),
  fc.record({ do: fc.constant('commit' as const), job, mask: most, tones }),
  fc.record({ do: fc.constant('commitSet' as const), job, tones }),
  fc.record({ do: fc.constant('settle' as const), job, agreed: most, shard: fc.nat(3) }),
  fc.record({ do: fc.constant('settleDirect' as const), job, agreed: most, tones, shard: fc.nat(3) }),
  fc.record({ do: fc.constant('prove' as const), job, seat: fc.nat(6) }),
  fc.record({ do: fc.constant('disprove' as const), job, seat: fc.nat(6) }),
  fc.record({ do: fc.constant('contest' as const), job, seat: fc.nat(6) }),
  fc.record({ do: fc.constant('open' as const), job, mask: most }),
  fc.record({ do: fc.constant('resolve' as const), job }),
  fc.record({ do: fc.constant('audit' as const), job }),
  fc.record({ do: fc.constant('summon' as const), job, caller: fc.nat(7) }),
  fc.record({ do: fc.constant('drawMore' as const), job, bidders: most, price, claims, amended }),
  fc.record({ do: fc.constant('expire' as const), job }),
  fc.record({ do: fc.constant('cancel' as const), job }),
  fc.record({ do: fc.constant('deposit' as const), who: fc.nat(8), amount: fc.nat(50) }),
  fc.record({ do: fc.constant('withdraw' as const), who: fc.nat(8), amount: fc.nat(50) }),
  fc.record({ do: fc.constant('wait' as const), seconds: fc.oneof(fc.integer({ min: 1, max: 200 }), fc.constant(100_000)) }),
  fc.record({ do: fc.constant('ready' as const), job }),
  fc.record({ do: fc.constant('outwait' as const), job }),
);

/** What is tried where a job stands, for sequences to get somewhere. */
const USUAL: Readonly<Partial<Record<JobStateName, readonly Action['do'][]>>> = {
  Open: ['assign', 'assign', 'assign', 'assign', 'assign', 'assign', 'postBids', 'postBids', 'ready', 'ready', 'ready', 'wait', 'cancel'],
  Assigned: ['commit', 'commit', 'commit', 'commit', 'commitSet', 'settleDirect', 'settleDirect', 'outwait', 'expire', 'disprove'],
  Committed: ['settle', 'settle', 'settle', 'outwait', 'outwait', 'open', 'open', 'open', 'resolve', 'prove', 'disprove', 'audit', 'audit', 'audit', 'summon', 'summon', 'commitSet'],
  Contestable: ['contest', 'contest', 'contest', 'outwait', 'resolve', 'prove', 'disprove'],
  Contested: ['open', 'open', 'open', 'open', 'contest', 'resolve', 'summon', 'summon', 'summon', 'outwait', 'prove', 'disprove'],
  Widening: ['drawMore', 'drawMore', 'drawMore', 'postBids', 'ready', 'ready', 'wait', 'expire'],
};

/** An action, or where `usual` is a number the one that `which` picks for the state of the job that it picks; `free` is what the action is about. */
export interface Move { any: Action; usual: number | undefined; which: number; mask: number; tones: number; free: number }

export const moves = (length: number): fc.Arbitrary<Move[]> => fc.array(fc.record({
  any: anyAction,
  usual: fc.oneof({ weight: 9, arbitrary: fc.nat(1000) }, { weight: 1, arbitrary: fc.constant(undefined) }),
  which: fc.nat(1000),
  mask: most,
  tones,
  // Independent of what is done: else some actions would always be about the same.
  free: fc.nat(99_999),
}), { minLength: 1, maxLength: length, size: 'max' });

/** @param live jobs that are not final yet: their numbers and states; `count` is how many jobs there are in all */
export function actionOf({ any, usual, which, mask: bits, tones: kinds, free }: Move, live: readonly { job: number; state: JobStateName }[], count: number): Action {
  if (usual === undefined) return any;
  const chosen = live[usual % Math.max(1, live.length)];
  const name = chosen === undefined || (count < MOST_JOBS && live.length < 2 && which % 5 === 0) ? 'submit' : USUAL[chosen.state]![which % USUAL[chosen.state]!.length]!;
  const part = (of: number, size: number): number => Math.floor(free / of) % size;
  return {
    do: name, job: chosen?.job ?? 0, mask: bits, tones: kinds, agreed: bits, seat: part(1, 7), caller: part(1, 8), who: part(1, 9), amount: part(9, 50), seconds: 1 + part(1, 40), shard: part(7, 4),
    // Posted one by one, or nobody's bid would ever be kept: one that does not count spoils them all.
    bidders: name !== 'postBids' ? 127 : bits === 127 ? 1 << part(1, 8) : bits,
    price: name === 'submit' ? 1 + part(1, 3) : part(8, 4), claims: part(32, 3) === 0 ? 0 : part(96, 1000) * 67, amended: part(1, 7) === 0,
    replicas: 1 + part(3, 3), policy: [0, 1, 1, 0, 2][part(9, 5)]!, stake: part(45, 5), terms: part(225, 400),
  } as Action;
}
