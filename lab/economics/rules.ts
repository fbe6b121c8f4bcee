import { BPS, CHECK_BPS, INFORMER_BPS, REPUTATION_ONE } from '../../src/protocol/constants.ts';
import { decay, scoreBps, type Reputation } from '../../src/protocol/rules/reputation.ts';

/** How a seat's part in a job ended. */
export type Verdict = 'agreed' | 'deviated' | 'absent' | 'undecided';

export interface Seat { verdict: Verdict; /** It contested the client's verdict and put up a bond. */ contested: boolean }

/** What the client did wrong, as the contract sees it. */
export type Fault = 'none' | 'silent' | 'lost';

/** A change of coin (in prices of one replica) and of reputation counts. */
export interface Change { coin: number; good: number; bad: number }

export interface Terms {
  /** Stake locked for one replica, in prices. */
  stake: number;
  /** Share of it that a seat loses which does not commit, or does not open. */
  noShow: number;
  /** Share of it that a seat loses which deviates in a widened job, outvoted; and the informer's share of that. */
  check: number;
  informer: number;
}

/** Who called for the widening of a job of `first` seats: the client, or a seat by its number. */
export interface Widened { first: number; caller: 'client' | number }

/** The deployed parameters: IScheduler's tables, Scheduler's constants. */
export const TERMS: Terms = { stake: 5, noShow: 0.25, check: CHECK_BPS / BPS, informer: INFORMER_BPS / BPS };

/**
 * Who gets what at the end of a job, by the tables at the head of IScheduler.sol: price 1 for each seat that agreed; bonds, no-shows and
 * ratings as there. `wronged` are the seats the client rejected and the contract accepted; `widened` is given where the job was.
 */
export function settle(
  seats: readonly Seat[], fault: Fault, wronged: readonly boolean[], terms = TERMS, widened?: Widened,
): { seats: Change[]; client: Change; burnt: number } {
  const result = settlePlain(seats, fault, wronged, terms);
  return widened === undefined ? result : payNewcomers(result, seats, fault, widened, terms);
}

/** What deviating seats of a widened job lose goes to the caller for the newcomers, then as a tenth, the rest to nobody; the caller pays the newcomers. */
function payNewcomers(
  { seats: changes, client, burnt }: ReturnType<typeof settle>, seats: readonly Seat[], fault: Fault, { first, caller }: Widened, terms: Terms,
): ReturnType<typeof settle> {
  const count = (verdict: Verdict, from = 0) => seats.filter((seat, i) => i >= from && seat.verdict === verdict).length;
  const check = count('agreed') > count('deviated') ? terms.check * terms.stake : 0;
  const paid = changes.map((change, i): Change => (check > 0 && seats[i]!.verdict === 'deviated' ? { ...change, coin: change.coin - check, bad: 8 } : change));
  const lost = check * count('deviated');
  const cost = count('agreed', first);
  const right = caller === 'client' ? fault === 'none' : seats[caller]!.verdict === 'agreed';
  const back = right ? Math.min(cost, lost) : 0;
  const share = right ? Math.min(terms.informer * lost, lost - back) : 0;
  // The plain rules let the client pay everybody.
  if (caller === 'client') return { seats: paid, client: { ...client, coin: client.coin + back + share }, burnt: burnt + lost - back - share };
  paid[caller] = { ...paid[caller]!, coin: paid[caller]!.coin - cost + back + share };
  return { seats: paid, client: { ...client, coin: client.coin + cost }, burnt: burnt + lost - back - share };
}

function settlePlain(seats: readonly Seat[], fault: Fault, wronged: readonly boolean[], terms: Terms): ReturnType<typeof settle> {
  const alone = seats.length === 1;
  const changes = seats.map(({ verdict, contested }): Change => {
    switch (verdict) {
      case 'agreed': return { coin: 1, good: alone ? 0.25 : 1, bad: 0 };
      case 'deviated': return contested ? { coin: -1, good: 0, bad: 8 } : { coin: 0, good: 0, bad: 4 };
      case 'absent': return { coin: -terms.noShow * terms.stake, good: 0, bad: 2 };
      case 'undecided': return { coin: 0, good: 0, bad: 0 };
    }
  });
  const slashed = -changes.reduce((sum, { coin }) => sum + Math.min(coin, 0), 0);
  const paid = seats.filter(({ verdict }) => verdict === 'agreed').length;
  const share = (to: readonly boolean[], pot: number): number => {
    const heirs = to.filter(Boolean).length;
    to.forEach((is, i) => { if (is) changes[i]!.coin += pot / heirs; });
    return heirs === 0 ? pot : 0;
  };
  const accepted = seats.map(({ verdict }) => verdict === 'agreed');
  if (fault === 'none') return { seats: changes, client: { coin: (paid > 0 ? slashed : 0) - paid, good: 1, bad: 0 }, burnt: paid > 0 ? 0 : slashed };
  const burnt = fault === 'lost' ? share(wronged, 1 + slashed) : slashed + share(accepted, 1);
  return { seats: changes, client: { coin: -1 - paid, good: 0, bad: fault === 'lost' ? 8 : 4 }, burnt };
}

/** A party's counts after a job, the contract's integers. */
export function rate(reputation: Reputation, { good, bad }: Pick<Change, 'good' | 'bad'>, today: number): Reputation {
  const now = decay(reputation, today);
  const add = (count: number, more: number) => Math.min(count + more * REPUTATION_ONE, 65_535);
  return { good: add(now.good, good), bad: add(now.bad, bad), day: today };
}

/** Score today, 0 to 1. */
export function scoreOf(reputation: Reputation, today: number): number {
  return scoreBps(decay(reputation, today)) / 10_000;
}
