import { randomOf } from '../../corpus/inputs/random.ts';

/** Hits and trials of one cluster of observations that are not independent: all pairs of one program. */
export interface ClusterCount { hits: number; trials: number }

/** Resamples of the clusters: the ends of a 95 % interval then vary by less than a tenth of its width. */
const RESAMPLES = 1000;

/**
 * Percentile interval of a pooled rate by drawing whole clusters with replacement (Field and Welsh, Bootstrapping clustered data, 2007):
 * pairs of one program share its runs, so pairs are not what there is much of, programs are.
 */
export function clusterBootstrap(clusters: readonly ClusterCount[], levels: readonly [low: number, high: number] = [0.025, 0.975], seed = 1): [low: number, high: number] {
  const filled = clusters.filter(({ trials }) => trials > 0);
  if (filled.length === 0) return [0, 1];
  const random = randomOf(seed);
  const rates = Float64Array.from({ length: RESAMPLES }, () => {
    let hits = 0;
    let trials = 0;
    for (let i = 0; i < filled.length; i++) {
      const cluster = filled[random.below(filled.length)]!;
      hits += cluster.hits;
      trials += cluster.trials;
    }
    return hits / trials;
  }).sort();
  const at = (level: number) => rates[Math.min(RESAMPLES - 1, Math.floor(level * RESAMPLES))]!;
  return [at(levels[0]), at(levels[1])];
}
