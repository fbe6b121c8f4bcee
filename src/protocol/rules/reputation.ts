import { BPS, DECAY_HALF_LIFE_DAYS, DECAY_LIMIT_DAYS, REPUTATION_ONE, SCORE_Z_MILLI } from '../constants.ts';

/** Decayed beta counts of one party: fixed point with 8 fractional bits, as stored on chain. */
export interface Reputation { good: number; bad: number; /** Day (unix time / 86,400) the counts were last decayed to. */ day: number }

const ONE = BigInt(REPUTATION_ONE);

/**
 * Lower bound of the success rate, in basis points: mean minus 1.645 standard deviations of Beta(1 + good, 1 + bad)
 * (Jøsang and Ismail, The Beta Reputation System, 2002). The same integers as the contract.
 */
export function scoreBps({ good, bad }: Pick<Reputation, 'good' | 'bad'>): number {
  const a = BigInt(good) + ONE;
  const b = BigInt(bad) + ONE;
  const n = a + b;
  const mean = (a * 1_000_000n) / n;
  const deviation = sqrt((a * b * ONE * 1_000_000_000_000n) / (n * n * (n + ONE)));
  const margin = (SCORE_Z_MILLI * deviation) / 1000n;
  return mean > margin ? Number((mean - margin) / (1_000_000n / BigInt(BPS))) : 0;
}

/** Counts after forgetting 1/32 of themselves on each day up to `today`, halved in one step for every 22 days. */
export function decay({ good, bad, day }: Reputation, today: number): Reputation {
  const days = Math.max(0, today - day);
  if (days >= DECAY_LIMIT_DAYS) return { good: 0, bad: 0, day: today };
  const halvings = Math.floor(days / DECAY_HALF_LIFE_DAYS);
  let g = good >> halvings;
  let b = bad >> halvings;
  for (let i = days % DECAY_HALF_LIFE_DAYS; i > 0; i--) {
    g -= g >> 5;
    b -= b >> 5;
  }
  return { good: g, bad: b, day: days > 0 ? today : day };
}

/** Integer square root, rounded down (Newton). */
function sqrt(x: bigint): bigint {
  if (x < 2n) return x;
  let r = 1n << BigInt((x.toString(2).length + 1) >> 1);
  for (;;) {
    const next = (r + x / r) >> 1n;
    if (next >= r) return r;
    r = next;
  }
}
