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

/** What a party has more or less than before the job, and how it is rated, in whole jobs. */
export interface Change { coin: bigint; good: number; bad: number }

export interface Ending { seats: Change[]; client: Change; burnt: bigint }

/** A seat's part of its stake that it loses by absence, 25 %. */
export function noShow({ stake }: Pick<Terms, 'stake'>): bigint {
  return (stake * 2500n) / 10_000n;
}

/**
 * Who ends up with what: the tables at the head of IScheduler.sol, read line by line and not as the contract computes it.
 *
 * @param wronged seats the client rejected and the contract's majority contains
 */
export function ending(seats: readonly EndedSeat[], fault: Fault, wronged: readonly boolean[], terms: Terms): Ending {
  const changes = seats.map((seat): Change => {
    if (seat.closed) return { coin: 0n, good: 0, bad: 0 };
    if (seat.equivocated) return { coin: -terms.stake - (seat.contested ? terms.maxPrice : 0n), good: 0, bad: 8 };
    switch (seat.verdict) {
      case 'agreed': return { coin: seat.price, good: seats.length === 1 ? 0.25 : 1, bad: 0 };
      // Whoever contested and then did not open again cannot be: contesting opens.
      case 'deviated': return seat.contested ? { coin: -terms.maxPrice, good: 0, bad: 8 } : { coin: 0n, good: 0, bad: 4 };
      case 'absent': return { coin: -noShow(terms), good: 0, bad: 2 };
      case 'undecided': return { coin: 0n, good: 0, bad: 0 };
    }
  });
  const agreed = seats.map((seat) => seat.verdict === 'agreed' && !seat.equivocated);
  const paid = sum(seats.map(({ price }, i) => (agreed[i] ? price : 0n)));
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
  return { seats: changes, client, burnt };
}

function sum(values: readonly bigint[]): bigint {
  return values.reduce((total, value) => total + value, 0n);
}
