import { compareFingerprints } from '../../src/evidence/fingerprint/compare-fingerprints.ts';
import type { LabRun } from '../corpus/lab-run.ts';
import type { Forgery } from './forge-all.ts';
import type { HonestPair } from './honest-pairs.ts';
import type { Measured } from './measure.ts';
import { submissionFingerprint } from './fingerprints/submission-fingerprint.ts';
import { rocOf, type Roc } from './statistics/roc.ts';
import { quantile } from './statistics/quantile.ts';

/** Honest pairs of one group, and what is caught there. */
export interface GroupResult {
  name: string;
  pairs: number;
  /** By the product's threshold. */
  falseAlarms: number;
  median: number;
  p99: number;
  /** The block that is farthest in most of the worst hundredth of pairs. */
  worstBlock: string;
  /** Detection at 1 % false alarms (thresholds from other programs) by cheat; absent where nothing could be tried. */
  cheats: Record<string, number>;
  /** The group's honest pairs against its cheats, at every threshold; absent where nothing could be tried. */
  rocs: Record<string, Roc>;
}

/** Names of the conditions that make a run harder to compare; `undisturbed` when there is none. */
export function conditionsOf({ condition, input }: LabRun): string[] {
  const names = [
    ...(condition.cpuPercent < 100 ? [`CPU at ${condition.cpuPercent} %`] : []),
    ...(condition.neighbours > 0 ? [`${condition.neighbours} neighbour${condition.neighbours > 1 ? 's' : ''}`] : []),
    ...(condition.memory === 'tight' ? ['tight memory'] : []),
    ...(condition.cache === 'cold' ? ['cold cache'] : []),
    ...(condition.intervalMs === 20 ? [] : [`sampled every ${condition.intervalMs} ms`]),
    ...(condition.engine === 'container' ? [] : [`engine ${condition.engine}`]),
    ...(input.fraction === 1 ? [] : ['part of the input']),
  ];
  return names.length === 0 ? ['undisturbed'] : names;
}

/**
 * Results of the full fingerprint by group. A pair is in each of its groups, so groups overlap: a condition's row has all pairs in which
 * either run had it; `undisturbed` those in which both were alone.
 *
 * @param groupsOf groups of a pair, or of a forgery's comparison with one target
 */
export function breakdown(
  measured: Measured, pairs: readonly HonestPair[], forgeries: readonly Forgery[], thresholdOf: (family: string) => number,
  groupsOf: (job: HonestPair['job'], runs: readonly LabRun[]) => Iterable<string>,
): GroupResult[] {
  const limit = measured.plugin.deployed ?? Infinity;
  const groups = new Map<string, number[]>();
  const caught = new Map<string, Map<string, { hits: number; distances: number[] }>>();
  pairs.forEach(({ job, a, b }, i) => {
    for (const group of groupsOf(job, [a, b])) groups.set(group, [...(groups.get(group) ?? []), i]);
  });
  forgeries.forEach(({ job, attack, targets }, i) => {
    const threshold = thresholdOf(job.family);
    targets.forEach((target, k) => {
      for (const group of groupsOf(job, [target])) {
        const counts = caught.get(group) ?? new Map<string, { hits: number; distances: number[] }>();
        caught.set(group, counts);
        const count = counts.get(attack) ?? { hits: 0, distances: [] };
        counts.set(attack, count);
        count.hits += Number(measured.forged[i]![k]! > threshold);
        count.distances.push(measured.forged[i]![k]!);
      }
    });
  });
  return [...groups].map(([name, members]): GroupResult => {
    const order = members.toSorted((x, y) => measured.honest[x]! - measured.honest[y]!);
    const distances = order.map((i) => measured.honest[i]!);
    const worst = order.slice(-Math.max(1, Math.round(order.length / 100))).map((i) => worstBlockOf(pairs[i]!.a, pairs[i]!.b));
    return {
      name, pairs: members.length,
      falseAlarms: distances.filter((distance) => distance > limit).length,
      median: quantile(distances, 0.5), p99: quantile(distances, 0.99),
      worstBlock: mostFrequent(worst),
      cheats: Object.fromEntries([...(caught.get(name) ?? [])].map(([attack, { hits, distances: all }]) => [attack, hits / all.length])),
      rocs: Object.fromEntries([...(caught.get(name) ?? [])].map(([attack, { distances: all }]) => [attack, rocOf(Float64Array.from(distances), Float64Array.from(all))])),
    };
  }).sort((a, b) => (a.name < b.name ? -1 : 1));
}

/** How often each block alone says "deviates" by its tolerance, over pairs; blocks that never do are left out. */
export function blockAlarms(pairs: Iterable<readonly [LabRun | Forgery['submission'], LabRun]>, by: 'distance' | 'strict' = 'distance'): Record<string, number> {
  const counts = new Map<string, number>();
  let total = 0;
  for (const [a, b] of pairs) {
    total++;
    for (const block of compareFingerprints(submissionFingerprint(a), submissionFingerprint(b)).blocks) {
      if (block[by] > 1) counts.set(block.name, (counts.get(block.name) ?? 0) + 1);
    }
  }
  return Object.fromEntries([...counts].sort(([, x], [, y]) => y - x).map(([name, count]) => [name, count / total]));
}

function worstBlockOf(a: LabRun, b: LabRun): string {
  const { blocks } = compareFingerprints(submissionFingerprint(a), submissionFingerprint(b));
  return blocks.reduce((worst, block) => (block.distance > worst.distance ? block : worst), { name: '', distance: -1 } as { name: string; distance: number }).name;
}

function mostFrequent(names: readonly string[]): string {
  const counts = [...Map.groupBy(names, (name) => name)].sort(([, a], [, b]) => b.length - a.length);
  return counts[0]?.[0] ?? '';
}
