import { clusterBootstrap, type ClusterCount } from './cluster-bootstrap.ts';
import { wilson, Z_95_ONE_SIDED } from './wilson.ts';

/** A pooled rate and its 95 % interval. */
export interface Rate { rate: number; ci: [low: number, high: number]; trials: number }

/**
 * The rate over all clusters; its interval is the wider of Wilson's over pairs and the bootstrap's over clusters, so that neither
 * dependent pairs nor clusters that are all alike make it look surer than it is.
 */
export function rateOf(clusters: readonly ClusterCount[]): Rate {
  const { hits, trials } = sum(clusters);
  const byPairs = wilson(hits, trials);
  const byClusters = clusterBootstrap(clusters);
  return { rate: trials === 0 ? 0 : hits / trials, ci: [Math.min(byPairs[0], byClusters[0]), Math.max(byPairs[1], byClusters[1])], trials };
}

/** Upper bound of a rate at 95 % confidence, one-sided: the larger of Wilson's over pairs and the bootstrap's over clusters. */
export function upperBound(clusters: readonly ClusterCount[]): number {
  const { hits, trials } = sum(clusters);
  return Math.max(wilson(hits, trials, Z_95_ONE_SIDED)[1], clusterBootstrap(clusters, [0.05, 0.95])[1]);
}

function sum(clusters: readonly ClusterCount[]): ClusterCount {
  return clusters.reduce((total, { hits, trials }) => ({ hits: total.hits + hits, trials: total.trials + trials }), { hits: 0, trials: 0 });
}
