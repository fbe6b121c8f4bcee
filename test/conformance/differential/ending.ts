import type { ReplicaVerdict } from '../../../src/protocol/index.ts';

/** One seat at the end of a job. */
export interface EndedSeat {
  price: bigint;
  verdict: ReplicaVerdict;
  contested: boolean;
  /** Proven to have signed two commitments. */
  equivocated: boolean;
  /** Closed before, when it did not commit. */
  closed: boolean;
}

/** What the client did wrong. */
export type Fault = 'none' | 'silent' | 'lost';

export interface Terms { maxPrice: bigint; stake: bigint }

/** That a job was widened, and who called for it. */
export interface Widened {
  /** Seats before. */
  first: number;
  /** A seat's number. */
  caller: 'client' | number;
}

/** What a party has more or less than before the job, and how it is rated, in whole jobs. */
export interface Change { coin: bigint; good: number; bad: number }

/** `caller` is what the caller of a widening has more or less, besides. */
export interface Ending { seats: Change[]; client: Change; caller: bigint; burnt: bigint }

/** A seat's part of its stake that it loses by absence, 25 %. */
export function noShow({ stake }: Pick<Terms, 'stake'>): bigint {
  return (stake * 2500n) / 10_000n;
}

/**
 * Who ends up with what: the tables at the head of IScheduler.sol, read line by line and not as the contract computes it.
 *
 * @param wronged seats the client rejected and the contract's majority contains
 */
export function ending(seats: readonly EndedSeat[], fault: Fault, wronged: readonly boolean[], terms: Terms, widened?: Widened): Ending {
  const deviated = seats.filter((seat) => seat.verdict === 'deviated' && !seat.equivocated).length;
  const outvoted = widened !== undefined && seats.filter((seat) => seat.verdict === 'agreed' && !seat.equivocated).length > deviated;
  const check = outvoted ? terms.stake / 2n : 0n;
  const changes = seats.map((seat): Change => {
    if (seat.closed) return { coin: 0n, good: 0, bad: 0 };
    if (seat.equivocated) return { coin: -terms.stake - (seat.contested ? terms.maxPrice : 0n), good: 0, bad: 8 };
    switch (seat.verdict) {
      case 'agreed': return { coin: seat.price, good: seats.length === 1 ? 0.25 : 1, bad: 0 };
      // Whoever contested and then did not open again cannot be: contesting opens.
      case 'deviated': if (outvoted) return { coin: -check - (seat.contested ? terms.maxPrice : 0n), good: 0, bad: 8 };
        return seat.contested ? { coin: -terms.maxPrice, good: 0, bad: 8 } : { coin: 0n, good: 0, bad: 4 };
      case 'absent': return { coin: -noShow(terms), good: 0, bad: 2 };
      case 'undecided': return { coin: 0n, good: 0, bad: 0 };
    }
  });
  const agreed = seats.map((seat) => seat.verdict === 'agreed' && !seat.equivocated);
  const paidTo = (is: (seat: number) => boolean): bigint => sum(seats.map(({ price }, i) => (agreed[i] && is(i) ? price : 0n)));
  const first = widened?.first ?? seats.length;
  const paid = paidTo((seat) => seat < first);
  const heirs = fault === 'lost' ? wronged.map((is, i) => is && agreed[i]!) : agreed;
  let burnt = 0n;
  const share = (pot: bigint): void => {
    const count = BigInt(heirs.filter(Boolean).length);
    if (count === 0n) burnt += pot;
    let rest = pot;
    let left = count;
    heirs.forEach((is, i) => {
      if (!is) return;
      changes[i]!.coin += rest / left;
      rest -= rest / left;
      left -= 1n;
    });
  };
  // Stakes of those who signed twice, bonds of theirs apart, never go to the client.
  const forfeited = sum(seats.map(({ equivocated }) => (equivocated ? terms.stake : 0n)));
  const lost = sum(seats.map((seat) => {
    if (seat.closed) return 0n;
    if (seat.equivocated) return seat.contested ? terms.maxPrice : 0n;
    if (seat.verdict === 'absent') return noShow(terms);
    return seat.verdict === 'deviated' && seat.contested ? terms.maxPrice : 0n;
  }));
  const client: Change = { coin: -paid, good: fault === 'none' ? 1 : 0, bad: fault === 'lost' ? 8 : fault === 'silent' ? 4 : 0 };
  if (fault !== 'none') client.coin -= terms.maxPrice;
  if (fault === 'lost') {
    share(terms.maxPrice + forfeited + lost);
  } else {
    share((fault === 'silent' ? terms.maxPrice : 0n) + forfeited);
    if (fault === 'none' && agreed.includes(true)) client.coin += lost;
    else burnt += lost;
  }
  if (widened === undefined) return { seats: changes, client, caller: 0n, burnt };
  // The caller pays the newcomers. What the outvoted lost repays him, and a tenth of it is his, if he called with reason; the rest is nobody's.
  const cost = paidTo((seat) => seat >= first);
  const pot = check * BigInt(deviated);
  const withReason = widened.caller === 'client' ? fault === 'none' : agreed[widened.caller]!;
  const repaid = withReason ? least(cost, pot) : 0n;
  const reward = withReason ? least(pot / 10n, pot - repaid) : 0n;
  return { seats: changes, client, caller: repaid + reward - cost, burnt: burnt + pot - repaid - reward };
}

function least(a: bigint, b: bigint): bigint {
  return a < b ? a : b;
}

function sum(values: readonly bigint[]): bigint {
  return values.reduce((total, value) => total + value, 0n);
}
