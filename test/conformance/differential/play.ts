import type { Hex } from 'viem';
import { POLICIES, type Bid, type JobState, type Opening, type SealedSeat } from '../../../src/protocol/index.ts';

/** A job as its events tell it, and what the events do not tell. */
export interface Play {
  jobId: Hex;
  state: JobState;
  /** By seat, the last one it committed to. */
  openings: Map<number, Opening>;
  /** Posted bids that the draw cannot pass over. */
  kept: Kept[];
}

export type Terms = Pick<Bid, 'node' | 'price' | 'locality' | 'possession'>;

/** A posted bid with its key, shortened. */
export interface Kept extends Terms { short: bigint }

/** When and in which block a step is carried out. */
export interface Now { at: number; number: bigint }

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
