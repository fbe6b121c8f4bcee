import type { Address, Hex } from 'viem';
import {
  advance, countedLocality, drawableAfter, hasClaim, isAudited, isWidenable, keyOf, reachAfter, REACH_STEPS, summonDeadlineOf, widenedSeats,
  type Bid, type JobEvent, type JobRequest, type JobState, type ReplicaVerdict, type Seat,
} from '../../../src/protocol/index.ts';
import { ending, type Fault } from './ending.ts';
import { all, has, majority, seatsIn, type Kept, type Now, type Play, type Terms } from './play.ts';
import { escrowOf, Purses } from './purses.ts';

/** What TypeScript knows of the scheduler: the states of all jobs from events alone, and who has how much coin and which name. */
export class CourtModel extends Purses {
  readonly plays: Play[] = [];

  /* WHAT MAY HAPPEN: one rule for each step, from IScheduler. */

  maySubmit(request: JobRequest): boolean {
    return request.stake >= request.maxPrice && request.maxPrice > 0n;
  }

  /** The seats that must be drawn, or undefined where nothing can be. */
  draw({ state, kept }: Play, bids: readonly Terms[], now: Now, seed: Hex): Seat[] | undefined {
    if (state.state !== 'Open' && state.state !== 'Widening') return undefined;
    const { request, seedBlock } = state;
    if (now.at > state.since + request.assignWindow) return undefined;
    if (state.state === 'Open' && now.number <= seedBlock + BigInt(request.bidBlocks)) return undefined;
    if (state.state === 'Widening' && (now.number <= drawableAfter(state).block || now.at <= drawableAfter(state).time)) return undefined;
    if (kept.some((one) => !bids.some((bid) => sameTerms(one, bid)))) return undefined;
    const reach = drawnReach(state, now);
    const runners = bids.flatMap((bid, index) => {
      const posted = kept.find((one) => sameTerms(one, bid));
      const key = posted === undefined ? this.#key(state, bid, now, seed, request.stake) : longKey(posted.short);
      return key === undefined || key > reach ? [] : [{ key, index }];
    }).sort((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : a.index - b.index));
    if (runners.length < seatsToDraw(state)) return undefined;
    return runners.slice(0, seatsToDraw(state)).map(({ index }) => ({ node: bids[index]!.node, price: bids[index]!.price }));
  }

  /** A bid's key where it counts for the next draw, whatever its reach; `needed` is the free stake its node must have. */
  #key({ request, since, ...state }: Drawing, { node, price, locality, possession }: Terms, now: Now, seed: Hex, needed: bigint): bigint | undefined {
    const account = this.account(node);
    const taken = 'roster' in state && state.roster.some((seat) => seat.node === node);
    if (taken || account.since > since || account.free < needed || price > request.maxPrice || locality > 10_000) return undefined;
    const score = this.score(node, now.at);
    if (score < request.minScore) return undefined;
    return keyOf(seed, { node, price, score, stake: account.free + account.locked, locality: countedLocality(request, { locality, possession }) }, request.maxPrice);
  }

  /** What is kept once these bids are posted, and those of them that are told; undefined where they cannot be. */
  post({ state, kept }: Play, bids: readonly Terms[], now: Now, seed: Hex): { kept: Kept[]; told: { node: Address; key: bigint }[]; late: boolean } | undefined {
    if (state.state !== 'Open' && state.state !== 'Widening') return undefined;
    const { request, since, seedBlock } = state;
    if (now.at > since + request.assignWindow || now.number <= seedBlock) return undefined;
    const late = state.state === 'Open'
      ? now.number > seedBlock + BigInt(request.bidBlocks)
      : now.number > drawableAfter(state).block && now.at > drawableAfter(state).time;
    const winning = kept.filter(({ short }) => short < shortKey(drawnReach(state, now))).length;
    if (late && (request.reach === 0n || winning >= seatsToDraw(state))) return undefined;
    const next = [...kept];
    const told: { node: Address; key: bigint }[] = [];
    for (const bid of bids) {
      const own = next.findIndex(({ node }) => node === bid.node);
      const key = this.#key(state, bid, now, seed, own < 0 ? request.stake : 0n);
      if (key === undefined || key > reachAfter(request, now.at - since)) return undefined;
      const { node, price, locality, possession } = bid;
      const entry = { node, price, locality, possession, short: shortKey(key) };
      if (own >= 0) {
        if (late || entry.short >= next[own]!.short) continue;
        next[own] = entry;
      } else if (next.length < seatsToDraw(state)) {
        next.push(entry);
      } else {
        const worst = next.reduce((place, { short }, i) => (short > next[place]!.short ? i : place), 0);
        if (entry.short >= next[worst]!.short) continue;
        next[worst] = entry;
      }
      told.push({ node, key });
    }
    return { kept: next, told, late };
  }

  /** Keeps other bids than before: who is kept has its stake locked. */
  keep(play: Play, kept: Kept[]): void {
    for (const { node } of play.kept) this.lock(node, -play.state.request.stake);
    for (const { node } of kept) this.lock(node, play.state.request.stake);
    play.kept = kept;
  }

  mayCommit({ state }: Play, commitments: readonly { index: number; commitment: Hex }[], now: Now): boolean {
    return state.state === 'Assigned' && now.at <= state.since + state.request.commitWindow
      && commitments.every(({ index, commitment }) => !has(state.committed, index) || state.roster[index]!.commitment === commitment);
  }

  /** `kept`: the seats before a widening have the commitments in it that they had. */
  mayCommitSet({ state }: Play, kept: boolean, now: Now): boolean {
    if (state.state === 'Assigned') return kept && now.at <= state.since + state.request.commitWindow;
    return state.state === 'Committed' && kept && state.committed === all(state) && now.at <= state.since + state.request.settleWindow && state.roster.length > 1;
  }

  maySettle({ state }: Play, agreed: number, shard: number, now: Now): boolean {
    return shard < state.request.shards && state.state === 'Committed' && now.at <= state.since + state.request.settleWindow && (agreed & ~state.committed) === 0;
  }

  maySettleDirect({ state }: Play, agreed: number, shard: number, kept: boolean, now: Now): boolean {
    return shard < state.request.shards && state.state === 'Assigned' && kept && now.at <= state.since + state.request.commitWindow && (agreed & ~all(state)) === 0;
  }

  mayProve({ state }: Play, index: number): boolean {
    return (state.state === 'Committed' || state.state === 'Contestable' || state.state === 'Contested') && has(state.committed, index) && !has(state.equivocated ?? 0, index);
  }

  /** @param right what the seat's node had to say of the chunks that its draw's seed picks */
  mayDisprove({ state }: Play, index: number, bid: Pick<Bid, 'possession'>, right: Hex): boolean {
    const judged = state.state === 'Committed' || state.state === 'Contestable' || state.state === 'Contested';
    return (state.state === 'Assigned' || (judged && has(state.committed, index))) && !has(state.equivocated ?? 0, index)
      && hasClaim(bid) && BigInt(state.request.dataRoot) !== 0n && bid.possession !== right;
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
    return !isWidenable(state) || (majority(play) & ~(state.equivocated ?? 0)) !== 0 || now.at > summonDeadlineOf(state);
  }

  mayAudit({ jobId, state }: Play, secret: Hex, auditBps: number, now: Now): boolean {
    return state.state === 'Committed' && isWidenable(state) && state.request.replicas === 1 && now.at <= state.since + state.request.settleWindow
      && isAudited(secret, auditBps, jobId, state.roster[0]!.commitment);
  }

  /** `caller` is the client's address or that of a seat's node. */
  maySummon(play: Play, caller: Address, now: Now): boolean {
    const { state } = play;
    if ((state.state !== 'Contested' && state.state !== 'Committed') || !isWidenable(state) || state.opened !== state.committed) return false;
    if (state.state === 'Committed' && now.at <= state.since + state.request.settleWindow) return false;
    if (now.at > summonDeadlineOf(state) || (majority(play) & ~(state.equivocated ?? 0)) !== 0) return false;
    const seat = state.roster.findIndex(({ node }) => node === caller);
    const bond = state.state === 'Contested' && seat >= 0 && has(state.contested, seat) ? state.request.maxPrice : 0n;
    return caller === this.client || this.account(caller).free + bond >= escrowOf(state.request);
  }

  mayExpire({ state }: Play, now: Now): boolean {
    // Everybody here has registered, and nobody comes in time for a draw that is called for.
    if (state.state === 'Widening' && this.accounts.size - 1 < widenedSeats(state.request.replicas)) return true;
    if (state.state === 'Open' || state.state === 'Widening') return now.at > state.since + state.request.assignWindow;
    return state.state === 'Assigned' && now.at > state.since + state.request.commitWindow;
  }

  /* WHAT HAPPENS. */

  /** Carries the model over what a step emitted. The money moves by the tables, not by what the events say was paid. */
  apply(play: Play, event: JobEvent): void {
    const before = play.state;
    const missing = event.type === 'CommitmentsClosed' && before.state === 'Assigned' ? all(before) & ~event.committed : 0;
    if (event.type === 'Assigned' || event.type === 'Widened' || event.type === 'Cancelled' || (event.type === 'CommitmentsClosed' && before.state === 'Widening')) this.keep(play, []);
    play.state = advance(before, event);
    if (event.type === 'Submitted') {
      this.lockClient(escrowOf(event.request));
    } else if (event.type === 'WideningCalled' && 'roster' in before) {
      const { request, roster } = before;
      for (const seat of seatsIn(before.state === 'Contested' ? before.contested : 0)) this.lock(roster[seat]!.node, -request.maxPrice);
      if (event.caller === this.client) this.lockClient(escrowOf(request));
      else this.lock(event.caller, escrowOf(request));
    } else if (event.type === 'Widened') {
      for (const { node } of event.roster.slice(play.state.request.replicas)) this.lock(node, play.state.request.stake);
    } else if (event.type === 'CommitmentsClosed' && before.state === 'Widening') {
      this.lock(before.widening.caller, -escrowOf(before.request));
    } else if (event.type === 'Assigned') {
      for (const { node } of event.roster) this.lock(node, play.state.request.stake);
    } else if (event.type === 'VerdictContested' && 'roster' in play.state) {
      this.lock(play.state.roster[event.index]!.node, play.state.request.maxPrice);
    } else if (missing !== 0) {
      this.account(this.client).free += this.absent(before, missing, event.at);
    } else if (event.type === 'Expired' && before.state === 'Assigned') {
      this.refund(before.request, this.absent(before, all(before), event.at), {}, event.at);
    } else if (event.type === 'Cancelled' && before.state === 'Open') {
      this.refund(before.request, 0n, {}, event.at);
    }
  }

  /** Rates a client that let a known draw go. */
  cancelledLate(at: number): void {
    this.rate(this.client, { good: 0, bad: 1 }, at);
  }

  /** Pays, slashes and rates at the end of a job that stood at `before`. Returns the verdicts that must be told. */
  settle(before: JobState, agreed: number, fault: Fault, undecided: boolean, at: number): ReplicaVerdict[] {
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
    const caller = before.widening === undefined || before.widening.lapsed ? undefined : before.widening.caller;
    const widened = caller === undefined ? undefined : { first: request.replicas, caller: caller === this.client ? 'client' as const : roster.findIndex(({ node }) => node === caller) };
    const { seats: changes, client, caller: gain, burnt } = ending(seats, fault, roster.map((_, seat) => !has(accepted, seat)), request, widened);
    changes.forEach(({ coin, good, bad }, seat) => {
      if (seats[seat]!.closed) return;
      const account = this.account(roster[seat]!.node);
      const held = request.stake + (seats[seat]!.contested ? request.maxPrice : 0n);
      account.locked -= held;
      account.free += held + coin;
      this.rate(roster[seat]!.node, { good, bad }, at);
    });
    this.refund(request, client.coin, client, at);
    if (caller !== undefined) {
      this.lock(caller, -escrowOf(request));
      this.account(caller).free += gain;
    }
    this.burnt += burnt;
    return seats.map(({ verdict }) => verdict);
  }

}

type Drawing = Extract<JobState, { state: 'Open' | 'Widening' }>;

function seatsToDraw({ state, request }: Drawing): number {
  return state === 'Widening' ? widenedSeats(request.replicas) - request.replicas : request.replicas;
}

/** Largest key that wins: the one that could be posted in the step before, in the first step in it. */
function drawnReach({ request, since }: Drawing, { at }: Now): bigint {
  const step = Math.floor(((at - since) * REACH_STEPS) / request.assignWindow);
  return reachAfter(request, step === 0 ? 0 : Math.ceil(((step - 1) * request.assignWindow) / REACH_STEPS));
}

function sameTerms(a: Terms, b: Terms): boolean {
  return a.node === b.node && a.price === b.price && a.locality === b.locality && a.possession === b.possession;
}

/** A key's exponent and the 24 bits after its first. */
function shortKey(key: bigint): bigint {
  const exponent = BigInt(key.toString(2).length - 1);
  return (exponent << 24n) | (((key << 24n) >> exponent) & 0xffffffn);
}

/** The smallest key that is shortened to this. */
function longKey(short: bigint): bigint {
  return ((1n << 24n | (short & 0xffffffn)) << (short >> 24n)) >> 24n;
}
