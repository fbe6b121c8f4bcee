import type { Evidence, Trace } from '../../protocol/trace/trace.ts';
import { compareFingerprints, type Comparison } from '../fingerprint/compare-fingerprints.ts';
import { BLOCKS, CONTENT_BLOCK, CONTENT_TOLERANCE, CONTENT_TOLERANCE_IDENTICAL, CONTENT_TOLERANCE_SHARDS, type BlockName } from '../constants.ts';
import { explainDifference } from '../explain/explain.ts';
import { copiesAmong } from './copies.ts';
import { contentSimilarity } from '../fingerprint/content-minima.ts';
import type { Fingerprint } from '../fingerprint/fingerprint.ts';
import { toleranceOf } from '../tolerance.ts';

/** What a replica is judged by. */
export interface JudgedReplica extends Pick<Evidence, 'resultCid' | 'exitCode' | 'ended'> {
  fingerprint: Fingerprint;
  /** To look for copies; without it none are found. */
  trace?: Trace;
  /** The meter that its counts come from, where there is one: what two meters count is not the same thing. */
  meter?: number;
}

/** What the client finds about the replicas of one job; every array is in the replicas' order. */
export interface Judgement {
  agreed: boolean[];
  /** Groups of replicas that are pairwise within the threshold, largest first. */
  clusters: number[][];
  /** Distance of each pair, 1 being the threshold. */
  distances: number[][];
  /** In words, why each one agreed or not. */
  reasons: string[];
  /**
   * Agreed by its trace, but its result is its own where all others that agreed have identical results: perhaps another input of the
   * same shape. A reason to look, not to reject: the contract would not.
   */
  suspects: boolean[];
  /**
   * Pairs whose traces agree more than two runs can: their nodes share one. A reason to look, not to reject: one of the two may be honest,
   * and neither could have seen the other's before it committed.
   */
  copies: [number, number][];
  /** No majority: nobody is accused. */
  undecided: boolean;
}

const OUTPUT_BLOCKS: ReadonlySet<BlockName> = new Set([CONTENT_BLOCK, ...BLOCKS.filter((block) => block.kind === 'output').map((block) => block.name)]);

/** By which tolerances two replicas are compared. */
type Measure = 'strict' | 'distance';

/**
 * Judges replicas against each other by complete linkage: clusters grow by the closest pair of clusters as long as every pair of
 * members stays within the threshold; a cluster of more than half of those judged agrees. A replica that ended otherwise (exit code,
 * limit) is never in the same cluster. Policy `trace` compares fingerprints: equal results make the output's distance 0, but never
 * excuse a deviating trace. Strict distances come first: replicas of a program that repeats itself then have a majority, and whoever
 * read another input is not in it, the less so where the majority's results are identical bit for bit; where there is none, the usual
 * tolerances decide. Of one of several shards the threshold is `toleranceOf`, and strict is only content, of which half may differ, where
 * a majority's results are identical. Counts of different meters are compared like any others, as the contract compares them, but a difference is said
 * to come with them. Policy `exact` asks for equal results only; `none` accepts everyone.
 */
export function judgeReplicas(replicas: readonly JudgedReplica[], policy: 'trace' | 'exact' | 'none', shards = 1): Judgement {
  const limit = toleranceOf(shards);
  const identical = replicas.some(({ resultCid }) => 2 * replicas.filter((other) => other.resultCid === resultCid).length > replicas.length);
  const comparisons = policy === 'trace' ? replicas.map((a) => replicas.map((b) => compareFingerprints(a.fingerprint, b.fingerprint))) : undefined;
  const cluster = (measure: Measure) => {
    const distances = replicas.map((a, i) => replicas.map((b, j) => (i === j ? 0 : distanceOf(a, b, policy, comparisons?.[i]![j], measure, identical, shards))));
    const clusters = completeLinkage(distances, limit);
    return { measure, distances, clusters, majority: clusters.find((members) => 2 * members.length > replicas.length) };
  };
  const strict = shards === 1 || identical ? cluster('strict') : undefined;
  const { measure, distances, clusters, majority } = strict?.majority === undefined ? cluster('distance') : strict;
  const agreed = replicas.map((_, i) => majority?.includes(i) ?? false);
  const suspects = replicas.map((_, i) => policy === 'trace' && agreed[i]! && isSuspect(replicas, i, majority!));
  const copies = policy === 'trace' ? copiesIn(replicas) : [];
  const reasons = replicas.map((replica, i) => {
    if (policy === 'none') return 'not compared: the job asks for no verification';
    if (replicas.length === 1) return 'the only replica';
    if (majority === undefined) return `undecided: no majority agrees (${clusters.map((cluster) => cluster.length).join(' against ')})`;
    const others = majority.filter((member) => member !== i);
    const twins = copies.flatMap(([a, b]) => (a === i ? [b] : b === i ? [a] : []));
    if (agreed[i]) return `${agreement(replicas, i, others, distances[i]!, policy, suspects[i]!, limit)}${sharing(twins)}`;
    // The nearest member of the majority gives the smallest true difference to name.
    const nearest = others.reduce((best, member) => (distances[i]![member]! < distances[i]![best]! ? member : best));
    return deviation(replica, replicas[nearest]!, comparisons?.[nearest]![i], shards === 1 ? measure : 'distance', limit);
  });
  return { agreed, clusters, distances, reasons, suspects, copies, undecided: replicas.length > 0 && majority === undefined };
}

function copiesIn(replicas: readonly JudgedReplica[]): [number, number][] {
  const traced = replicas.flatMap(({ trace }, i) => (trace === undefined ? [] : [{ trace, i }]));
  return copiesAmong(traced.map(({ trace }) => trace)).map(([a, b]) => [traced[a]!.i, traced[b]!.i]);
}

function sharing(twins: readonly number[]): string {
  return twins.length === 0 ? '' : `; but its trace and that of replica ${twins.map((twin) => twin + 1).join(' and ')} agree more than two runs can: they share one`;
}

function distanceOf(
  a: JudgedReplica, b: JudgedReplica, policy: 'trace' | 'exact' | 'none', comparison: Comparison | undefined, measure: Measure, identical: boolean, shards: number,
): number {
  if (policy === 'none') return 0;
  if (a.exitCode !== b.exitCode || a.ended !== b.ended) return Infinity;
  if (comparison === undefined) return a.resultCid === b.resultCid ? 0 : Infinity;
  if (comparison.distance === Infinity) return Infinity;
  if (a.resultCid !== b.resultCid) {
    if (shards > 1) return measure === 'strict' && contentBetween(a.fingerprint, b.fingerprint) > CONTENT_TOLERANCE_SHARDS ? Infinity : comparison.distance;
    const content = measure === 'strict' && identical ? comparison.blocks.find(({ name }) => name === CONTENT_BLOCK)?.strict ?? 0 : 0;
    return Math.max(comparison[measure], (content * CONTENT_TOLERANCE) / CONTENT_TOLERANCE_IDENTICAL);
  }
  return Math.max(0, ...comparison.blocks.filter(({ name }) => !OUTPUT_BLOCKS.has(name)).map((block) => block[shards === 1 ? measure : 'distance']));
}

/** Share of the content that differs; none where there is none to compare. */
function contentBetween({ content: a }: Fingerprint, { content: b }: Fingerprint): number {
  return a === undefined || b === undefined ? 0 : 1 - contentSimilarity(a, b);
}

/** Merges the two clusters whose farthest members are closest, while those are within the limit; ties go to the lower indices. */
function completeLinkage(distances: readonly number[][], limit: number): number[][] {
  const clusters = distances.map((_, i) => [i]);
  for (;;) {
    let best: { i: number; j: number; gap: number } | undefined;
    for (let i = 0; i < clusters.length; i++) {
      for (let j = i + 1; j < clusters.length; j++) {
        const gap = Math.max(...clusters[i]!.flatMap((x) => clusters[j]!.map((y) => distances[x]![y]!)));
        if (gap <= limit && gap < (best?.gap ?? Infinity)) best = { i, j, gap };
      }
    }
    if (best === undefined) return clusters.sort((a, b) => b.length - a.length || a[0]! - b[0]!);
    clusters[best.i] = [...clusters[best.i]!, ...clusters[best.j]!].sort((a, b) => a - b);
    clusters.splice(best.j, 1);
  }
}

function isSuspect(replicas: readonly JudgedReplica[], i: number, majority: readonly number[]): boolean {
  const results = majority.filter((member) => member !== i).map((member) => replicas[member]!.resultCid);
  return results.length > 1 && results[0] !== replicas[i]!.resultCid && results.every((result) => result === results[0]);
}

function agreement(
  replicas: readonly JudgedReplica[], i: number, others: readonly number[], distances: readonly number[], policy: 'trace' | 'exact' | 'none', suspect: boolean, limit: number,
): string {
  const among = `${others.length} other${others.length === 1 ? '' : 's'}`;
  if (policy === 'exact') return `same result as ${among}`;
  const work = `same work as ${among} (distance ${Math.max(...others.map((other) => distances[other]!)).toFixed(2)} of ${limit})`;
  if (suspect) return `${work}, but a result of its own where the others' are identical: the trace cannot tell another input of the same shape, policy exact can`;
  const same = others.filter((other) => replicas[other]!.resultCid === replicas[i]!.resultCid).length;
  return `${work}, ${same === others.length ? 'same result' : same > 0 ? `same result as ${same}` : 'result differs byte for byte'}`;
}

function deviation(replica: JudgedReplica, reference: JudgedReplica, comparison: Comparison | undefined, measure: Measure, limit: number): string {
  const differs = difference(replica, reference, comparison, measure, limit);
  return replica.meter === reference.meter ? differs
    : `counted by ${meterName(replica)}, the majority by ${meterName(reference)}, which do not count the same things: ${differs}`;
}

function meterName({ meter }: JudgedReplica): string {
  return meter === undefined ? 'no meter' : `meter ${meter}`;
}

function difference(replica: JudgedReplica, reference: JudgedReplica, comparison: Comparison | undefined, measure: Measure, limit: number): string {
  if (replica.exitCode !== reference.exitCode || replica.ended !== reference.ended) {
    return `ended by ${replica.ended} with code ${replica.exitCode}, the majority by ${reference.ended} with code ${reference.exitCode}`;
  }
  if (comparison === undefined) return 'its result is not the majority\'s';
  if (comparison[measure] <= limit) {
    const differing = contentBetween(reference.fingerprint, replica.fingerprint);
    // Small outputs have no content; and nearness is not transitive, so that the nearest of the majority may be near enough and another not.
    if (differing <= CONTENT_TOLERANCE_IDENTICAL) return 'near some of the majority, but not all of it';
    return `${Math.round(differing * 100)} % of the output's content differs, and the majority's results are identical`;
  }
  return explainDifference(reference.fingerprint, replica.fingerprint, { strict: measure === 'strict' });
}
