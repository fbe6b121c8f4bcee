import type { Attack } from '../attackers/attack.ts';
import { FALSE_ALARM_RATES } from './constants.ts';
import type { FingerprintPlugin } from './fingerprint-plugin.ts';
import { thresholdsFor, type Thresholds } from './folds.ts';
import type { Forgery } from './forge-all.ts';
import type { HonestPair } from './honest-pairs.ts';
import type { Measured } from './measure.ts';
import type { ClusterCount } from './statistics/cluster-bootstrap.ts';
import { rateOf, upperBound, type Rate } from './statistics/rate.ts';
import { rocOf, type Roc } from './statistics/roc.ts';

/** How well one fingerprint catches one cheat. */
export interface Detection {
  pairs: number;
  /** Detection at thresholds from the other programs' honest pairs. */
  at1pct: Rate;
  at01pct: Rate;
  /** Detection by the threshold that the product uses; absent where it has none. */
  deployed?: Rate;
  roc: Roc;
}

/** What one fingerprint does with honest pairs. */
export interface HonestResult {
  pairs: number;
  /** False alarms at thresholds from the other programs: what was promised as 1 % and 0.1 %. */
  heldOut: Record<keyof typeof FALSE_ALARM_RATES, Rate>;
  /** False alarms by the product's threshold, and their upper 95 % bound. */
  deployed?: Rate & { upper95: number };
}

export interface FingerprintResult { plugin: FingerprintPlugin; honest: HonestResult; cheats: Map<string, Detection> }

/** Rates of one fingerprint for all cheats, thresholds never from the program they are used on. */
export function detect(measured: Measured, pairs: readonly HonestPair[], forgeries: readonly Forgery[], attacks: readonly Attack[]): FingerprintResult {
  return detectBy(measured.plugin, () => measured, pairs, forgeries, attacks);
}

/**
 * The same for a fingerprint that is fitted anew for each program.
 *
 * @param measuredFor distances by the fingerprint that was fitted without a program: of all honest pairs, and of that program's forgeries
 */
export function detectBy(
  plugin: FingerprintPlugin, measuredFor: (family: string) => Measured, pairs: readonly HonestPair[], forgeries: readonly Forgery[], attacks: readonly Attack[],
): FingerprintResult {
  const families = pairs.map(({ job }) => job.family);
  const measured = new Map([...new Set([...families, ...forgeries.map(({ job }) => job.family)])].map((family) => [family, measuredFor(family)]));
  // Each pair by the fingerprint that was fitted without its program, or what it was fitted to would look nearer than it is.
  const honestDistances = Float64Array.from(families, (family, i) => measured.get(family)!.honest[i]!);
  const folds = new Map([...measured].map(([family, { forged }]): [string, Fold] => [family, { forged, ...thresholdsFor(family, families, honestDistances) }]));
  const { deployed } = plugin;
  const fold = (family: string) => folds.get(family)!;
  const honest = (limit: (family: string) => number) => clusters(families.map((family, i) => [family, Number(honestDistances[i]! > limit(family)), 1]));
  const rateAt = (name: keyof typeof FALSE_ALARM_RATES) => rateOf([...honest((family) => fold(family)[name]).values()]);
  const cheats = new Map(attacks.flatMap(({ name }): [string, Detection][] => {
    const mine = forgeries.flatMap((forgery, i) => (forgery.attack === name ? [[forgery.job.family, fold(forgery.job.family).forged[i]!] as const] : []));
    if (mine.length === 0) return [];
    const caught = (limit: (family: string) => number) => clusters(mine.map(([family, distances]) => [family, distances.filter((distance) => distance > limit(family)).length, distances.length]));
    const all = Float64Array.from(mine.flatMap(([, distances]) => [...distances]));
    return [[name, {
      pairs: all.length,
      at1pct: rateOf([...caught((family) => fold(family).at1pct).values()]),
      at01pct: rateOf([...caught((family) => fold(family).at01pct).values()]),
      ...(deployed === undefined ? {} : { deployed: rateOf([...caught(() => deployed).values()]) }),
      roc: rocOf(honestDistances, all),
    }]];
  }));
  const alarms = deployed === undefined ? undefined : [...honest(() => deployed).values()];
  return {
    plugin, cheats,
    honest: {
      pairs: pairs.length,
      heldOut: { at1pct: rateAt('at1pct'), at01pct: rateAt('at01pct') },
      ...(alarms === undefined ? {} : { deployed: { ...rateOf(alarms), upper95: upperBound(alarms) } }),
    },
  };
}

/** What holds for one program, made without it. */
interface Fold extends Thresholds { forged: Measured['forged'] }

/** Adds up hits and trials by family. */
export function clusters(counts: readonly (readonly [family: string, hits: number, trials: number])[]): Map<string, ClusterCount> {
  const sums = new Map<string, ClusterCount>();
  for (const [family, hits, trials] of counts) {
    const sum = sums.get(family) ?? { hits: 0, trials: 0 };
    sums.set(family, { hits: sum.hits + hits, trials: sum.trials + trials });
  }
  return sums;
}
