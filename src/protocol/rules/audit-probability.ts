import { AUDIT_DETECTION, AUDIT_FLOOR_BPS, AUDIT_MARGIN, BPS, CHECK_BPS } from '../constants.ts';

/** What decides how often a node must be checked. Amounts in coin units. */
export interface AuditTerms {
  price: bigint;
  stake: bigint;
  /** Lowest score of a node that may win the job, basis points. */
  score: number;
  /** Share of cheats that a check finds, 0 to 1. */
  detection?: number;
}

/**
 * Chance of an audit at which cheating on a single replica loses, in basis points, 10,000 where no chance is enough.
 *
 * A cheat saves at most the price of running the job. With chance p of an audit, which finds it with chance d, it loses the price and
 * CHECK_BPS of its stake: it must be that p d (price + CHECK_BPS stake) > price. Twice that is taken, less by up to a half for a good score,
 * which is lost too: so the stake alone is enough at any score.
 */
export function auditBpsFor({ price, stake, score, detection = AUDIT_DETECTION }: AuditTerms): number {
  if (price === 0n) return AUDIT_FLOOR_BPS;
  const lost = Number(price) + (Number(stake) * CHECK_BPS) / BPS;
  const p = (AUDIT_MARGIN * Number(price) * (1 - score / (2 * BPS))) / (detection * lost);
  return Math.min(BPS, Math.max(AUDIT_FLOOR_BPS, Math.ceil(p * BPS)));
}
