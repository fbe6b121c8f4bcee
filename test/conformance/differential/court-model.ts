import type { Address, Hex } from 'viem';
import { rate } from '../../../lab/economics/rules.ts';
import {
  advance, decay, drawReplicas, isWidenable, POLICIES, scoreBps, seedOf, summonDeadlineOf, type Bid, type JobEvent, type JobRequest, type JobState, type Opening, type ReplicaVerdict, type Reputation, type SealedSeat, type Seat,
} from '../../../src/protocol/index.ts';
import { ending, noShow, type Fault } from './ending.ts';

const DAY = 86_400;

/** A client's purse or a node's stake, with its name. */
export interface Account extends Reputation { free: bigint; locked: bigint; since: number }

/** A job as its events tell it, and what the events do not tell. */
export interface Play {
  jobId: Hex;
  state: JobState;
  /** By seat, the last one it committed to. */
  openings: Map<number, Opening>;
  /** Seats whose stake is closed: they did not commit. */
  closed: number;
}

/** When and in which block a step is carried out. */
export interface Now { at: number; number: bigint }

/** What TypeScript knows of the scheduler: the states of all jobs from events alone, and who has how much coin and which name. */
export class CourtModel {
  readonly plays: Play[] = [];
  readonly accounts: Map<Address, Account>;
  readonly client: Address;
  burnt = 0n;

  constructor(client: Address, accounts: Map<Address, Account>) {
    [this.client, this.accounts] = [client, accounts];
  }

  account(address: Address): Account {
    return this.accounts.get(address)!;
  }

  score(address: Address, at: number): number {
    return scoreBps(decay(this.account(address), Math.floor(at / DAY)));
  }

  /** Coin that all parties together have in the scheduler. */
  total(): bigint {
    return [...this.accounts.values()].reduce((sum, { free, locked }) => sum + free + locked, 0n);
  }

  /* WHAT MAY HAPPEN: one rule for each step, from IScheduler. */

  maySubmit(request: JobRequest): boolean {
    return request.stake >= request.maxPrice && request.maxPrice > 0n;
  }

  /** The roster that must be drawn, or undefined where nothing can be. */
  draw({ jobId, state }: Play, bids: readonly Bid[], now: Now, seedBlockHash: Hex): Seat[] | undefined {
    if (state.state !== 'Open' || now.at > state.since + state.request.assignWindow || now.number <= state.seedBlock) return undefined;
    const { request } = state;
    const eligible = bids.filter(({ node, price, locality }) => {
      const { free, since } = this.account(node);
      return since <= state.since && free >= request.stake && price <= request.maxPrice && locality <= 10_000 && this.score(node, now.at) >= request.minScore;
    });
    if (eligible.length < request.replicas) return undefined;
    // Without a claim that it could prove, a bid's locality does not count.
    const candidates = eligible.map(({ node, price }) => ({ node, price, locality: 0, stake: this.account(node).free + this.account(node).locked, score: this.score(node, now.at) }));
    return drawReplicas(seedOf(seedBlockHash, jobId), candidates, request.maxPrice, request.replicas).map((i) => ({ node: candidates[i]!.node, price: candidates[i]!.price }));
  }

  mayCommit({ state }: Play, commitments: readonly { index: number; commitment: Hex }[], now: Now): boolean {
    return state.state === 'Assigned' && now.at <= state.since + state.request.commitWindow
      && commitments.every(({ index, commitment }) => !has(state.committed, index) || state.roster[index]!.commitment === commitment);
  }

  mayCommitSet({ state }: Play, now: Now): boolean {
    if (state.state === 'Assigned') return now.at <= state.since + state.request.commitWindow;
    return state.state === 'Committed' && state.committed === all(state) && now.at <= state.since + state.request.settleWindow && state.roster.length > 1;
  }

  maySettle({ state }: Play, agreed: number, now: Now): boolean {
    return state.state === 'Committed' && now.at <= state.since + state.request.settleWindow && (agreed & ~state.committed) === 0;
  }

  maySettleDirect({ state }: Play, agreed: number, now: Now): boolean {
    return state.state === 'Assigned' && now.at <= state.since + state.request.commitWindow && (agreed & ~all(state)) === 0;
  }

  mayProve({ state }: Play, index: number): boolean {
    return (state.state === 'Committed' || state.state === 'Contestable' || state.state === 'Contested') && has(state.committed, index) && !has(state.equivocated ?? 0, index);
  }

  mayContest({ state }: Play, index: number, now: Now): boolean {
    if (state.state !== 'Contestable' && state.state !== 'Contested') return false;
    const contested = state.state === 'Contested' ? state.contested : 0;
    return now.at <= state.since + state.request.disputeWindow && has(state.committed & ~state.agreed & ~contested, index)
      && this.account(state.roster[index]!.node).free >= state.request.maxPrice;
  }

  mayOpen({ state }: Play, seats: readonly number[], now: Now): boolean {
    if (state.state !== 'Contested' && state.state !== 'Committed') return false;
    const from = state.since + (state.state === 'Committed' ? state.request.settleWindow : 0);
    return (state.state === 'Contested' || now.at > from) && now.at <= from + state.request.disputeWindow && seats.every((seat) => has(state.committed, seat));
  }

  mayResolve(play: Play, now: Now): boolean {
    const { state } = play;
    if (state.state === 'Contestable') return now.at > state.since + state.request.disputeWindow;
    if (state.state !== 'Contested' && state.state !== 'Committed') return false;
    const from = state.since + (state.state === 'Committed' ? state.request.settleWindow : 0);
    if (state.state === 'Committed' && now.at <= from) return false;
    if (state.opened !== state.committed) return now.at > from + state.request.disputeWindow;
    return !isWidenable(state) || majority(play) !== 0 || now.at > summonDeadlineOf(state);
  }

  mayExpire({ state }: Play, now: Now): boolean {
    if (state.state === 'Open') return now.at > state.since + state.request.assignWindow;
    return state.state === 'Assigned' && now.at > state.since + state.request.commitWindow;
  }

  /* WHAT HAPPENS. */

  /** Carries the model over what a step emitted. The money moves by the tables, not by what the events say was paid. */
  apply(play: Play, event: JobEvent): void {
    const before = play.state;
    const missing = event.type === 'CommitmentsClosed' && before.state === 'Assigned' ? all(before) & ~event.committed : 0;
    play.state = advance(before, event);
    if (event.type === 'Submitted') {
      const { maxPrice, replicas } = event.request;
      const account = this.account(this.client);
      const escrow = maxPrice * BigInt(replicas + 1);
      account.free = account.free > escrow ? account.free - escrow : 0n;
      account.locked += escrow;
    } else if (event.type === 'Assigned') {
      for (const { node } of event.roster) this.#lock(node, play.state.request.stake);
    } else if (event.type === 'VerdictContested' && 'roster' in play.state) {
      this.#lock(play.state.roster[event.index]!.node, play.state.request.maxPrice);
    } else if (missing !== 0) {
      this.account(this.client).free += this.#absent(play, missing, event.at);
    } else if (event.type === 'Expired' && before.state === 'Assigned') {
      this.#refund(before.request, this.#absent({ ...play, state: before }, all(before), event.at), {}, event.at);
    } else if (event.type === 'Cancelled' && before.state === 'Open') {
      // Late once the seed's block is past: the block's number is not in the event, `cancelled` tells.
      this.#refund(before.request, 0n, {}, event.at);
    }
  }

  /** Rates a client that let a known draw go. */
  cancelledLate(at: number): void {
    this.#rate(this.client, { good: 0, bad: 1 }, at);
  }

  /** Pays, slashes and rates at the end of a job that stood at `before`. Returns the verdicts that must be told. */
  settle(play: Play, before: JobState, agreed: number, fault: Fault, undecided: boolean, at: number): ReplicaVerdict[] {
    if (!('roster' in before) || before.state === 'Settled') throw new Error('nothing to settle');
    const { request, roster } = before;
    const equivocated = before.equivocated ?? 0;
    const committed = before.state === 'Assigned' ? all(before) : before.committed;
    const contested = before.state === 'Contested' ? before.contested : 0;
    const judged = before.state === 'Contested' || fault === 'silent';
    const opened = judged && 'opened' in before ? before.opened : committed;
    const accepted = 'agreed' in before ? before.agreed : 0;
    const verdictOf = (seat: number): ReplicaVerdict => {
      if (!has(committed, seat)) return 'absent';
      if (has(agreed & ~equivocated, seat)) return 'agreed';
      if (has(equivocated, seat)) return 'deviated';
      if (!has(opened, seat)) return 'absent';
      return undecided ? 'undecided' : 'deviated';
    };
    const seats = roster.map(({ price }, seat) => ({ price, verdict: verdictOf(seat), contested: has(contested, seat), equivocated: has(equivocated, seat), closed: !has(committed, seat) }));
    const { seats: changes, client, burnt } = ending(seats, fault, roster.map((_, seat) => !has(accepted, seat)), request);
    changes.forEach(({ coin, good, bad }, seat) => {
      if (seats[seat]!.closed) return;
      const account = this.account(roster[seat]!.node);
      const held = request.stake + (seats[seat]!.contested ? request.maxPrice : 0n);
      account.locked -= held;
      account.free += held + coin;
      this.#rate(roster[seat]!.node, { good, bad }, at);
    });
    this.#refund(request, client.coin, client, at);
    this.burnt += burnt;
    play.closed = 0;
    return seats.map(({ verdict }) => verdict);
  }

  #lock(node: Address, amount: bigint): void {
    const account = this.account(node);
    account.free -= amount;
    account.locked += amount;
  }

  /** Closes seats that did not commit; what they lose. */
  #absent({ state }: Play, mask: number, at: number): bigint {
    if (!('roster' in state)) return 0n;
    let lost = 0n;
    state.roster.forEach(({ node }, seat) => {
      if (!has(mask, seat)) return;
      const account = this.account(node);
      account.locked -= state.request.stake;
      account.free += state.request.stake - noShow(state.request);
      lost += noShow(state.request);
      this.#rate(node, { good: 0, bad: 2 }, at);
    });
    return lost;
  }

  #refund({ maxPrice, replicas }: JobRequest, change: bigint, { good = 0, bad = 0 }: { good?: number; bad?: number }, at: number): void {
    const account = this.account(this.client);
    const escrow = maxPrice * BigInt(replicas + 1);
    account.locked -= escrow;
    account.free += escrow + change;
    this.#rate(this.client, { good, bad }, at);
  }

  #rate(address: Address, change: { good: number; bad: number }, at: number): void {
    if (change.good === 0 && change.bad === 0) return;
    Object.assign(this.account(address), rate(this.account(address), change, Math.floor(at / DAY)));
  }
}

/** The contract's own verdict where replicas are alike or nothing of each other: those that are alike and more than half of the opened. */
export function majority({ state, openings }: Play): number {
  if (state.state !== 'Committed' && state.state !== 'Contested') return 0;
  const opened = seatsIn(state.opened);
  const kind = (seat: number): string => (POLICIES[state.request.policy] === 'none' ? '' : openings.get(seat)!.resultDigest);
  for (const seat of opened) {
    const alike = opened.filter((other) => kind(other) === kind(seat));
    if (2 * alike.length > opened.length) return alike.reduce((mask, other) => mask | (1 << other), 0);
  }
  return 0;
}

/** Seats of a mask, in order. */
export function seatsIn(mask: number): number[] {
  return Array.from({ length: 32 - Math.clz32(mask) }, (_, seat) => seat).filter((seat) => has(mask, seat));
}

export function has(mask: number, seat: number): boolean {
  return (mask >> seat & 1) === 1;
}

export function all({ roster }: { roster: readonly SealedSeat[] }): number {
  return (1 << roster.length) - 1;
}
