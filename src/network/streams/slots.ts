import { MAX_REQUESTS, MAX_REQUESTS_PER_PEER } from '../constants.ts';

/** Slots for work in progress, few for each peer and a bounded number for all. */
export interface Slots {
  /** Takes a slot; false when this peer, or everybody together, has none left. */
  take(peer: string): boolean;
  release(peer: string): void;
}

export function createSlots({ perPeer = MAX_REQUESTS_PER_PEER, total = MAX_REQUESTS } = {}): Slots {
  const taken = new Map<string, number>();
  let all = 0;
  return {
    take(peer) {
      const mine = taken.get(peer) ?? 0;
      if (mine >= perPeer || all >= total) return false;
      taken.set(peer, mine + 1);
      all++;
      return true;
    },
    release(peer) {
      const left = (taken.get(peer) ?? 1) - 1;
      if (left === 0) taken.delete(peer);
      else taken.set(peer, left);
      all--;
    },
  };
}
