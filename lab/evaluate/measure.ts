import type { Submission } from '../attackers/attack.ts';
import type { FingerprintPlugin } from './fingerprint-plugin.ts';
import type { Forgery } from './forge-all.ts';
import type { HonestPair } from './honest-pairs.ts';

/** Distances by one fingerprint: of the honest pairs, and of each forgery to its targets, in their orders. */
export interface Measured { plugin: FingerprintPlugin; honest: Float64Array; forged: Float64Array[] }

/** All distances by one fingerprint; every run is prepared once. */
export function measure(plugin: FingerprintPlugin, pairs: readonly HonestPair[], forgeries: readonly Forgery[]): Measured {
  const places = new Map<Submission, number>();
  const place = (submission: Submission): number => {
    let at = places.get(submission);
    if (at === undefined) places.set(submission, at = places.size);
    return at;
  };
  const honestPlaces = pairs.map(({ a, b }) => [place(a), place(b)] as const);
  const forgedPlaces = forgeries.map(({ submission, targets }) => [place(submission), targets.map(place)] as const);
  const distance = plugin.prepare([...places.keys()]);
  return {
    plugin,
    honest: Float64Array.from(honestPlaces, ([a, b]) => distance(a, b)),
    forged: forgedPlaces.map(([a, targets]) => Float64Array.from(targets, (b) => distance(a, b))),
  };
}
