import { SKETCH_CONTENT_TOLERANCE_IDENTICAL, SKETCH_CONTENT_TOLERANCE_SHARDS, SKETCH_THRESHOLD } from '../constants.ts';
import { contentBits, sketchDistance } from '../fingerprint/sketch-distance.ts';
import { sketchThreshold } from '../tolerance.ts';

/** What the contract sees of a replica that opened. */
export interface Opened {
  sketch: Uint8Array;
  /** Digest of its result, of all shards together: equal for equal results. */
  resultDigest: string;
}

/**
 * The majority that the contract finds when the client is silent or contested: around each replica in turn grows a clique,
 * by adding every other one, in ascending order, that is within the threshold of all members so far; the largest (the first on
 * ties) is the majority if it has more than half of them. Distances are strict ones first, content counting more where more than half of
 * the results are identical; where those give no majority, the program is not one that repeats itself, and the others decide. Of one of
 * several shards the threshold is higher (`toleranceOf`), and in the place of strict distances stands content alone, much of it, where more than half
 * of the results are identical in every shard: nobody loses by a small deviation that somebody looked for. The contract's MajorityLib does the same.
 *
 * @param shards of how many the job is
 * @returns ascending indices; empty when there is no majority
 */
export function majorityOf(replicas: readonly Opened[], shards = 1): number[] {
  const threshold = sketchThreshold(shards);
  const content = shards > 1 ? SKETCH_CONTENT_TOLERANCE_SHARDS : SKETCH_CONTENT_TOLERANCE_IDENTICAL;
  const identical = replicas.some(({ resultDigest }) => 2 * replicas.filter((other) => other.resultDigest === resultDigest).length > replicas.length);
  const distances = replicas.map((a) => replicas.map((b) => sketchDistance(a.sketch, b.sketch)));
  const strict = majorityAmong(distances.map((row, i) => row.map((pair, j) => (
    (shards > 1 ? identical && pair.distance <= threshold : pair.strict <= SKETCH_THRESHOLD)
      && !(identical && replicas[i]!.resultDigest !== replicas[j]!.resultDigest && contentBits(replicas[i]!.sketch, replicas[j]!.sketch) > content)))));
  return strict.length > 0 ? strict : majorityAmong(distances.map((row) => row.map((pair) => pair.distance <= threshold)));
}

function majorityAmong(near: readonly boolean[][]): number[] {
  let largest: number[] = [];
  for (let i = 0; i < near.length; i++) {
    // A malformed sketch is not even like itself.
    if (!near[i]![i]) continue;
    const clique = [i];
    for (let j = 0; j < near.length; j++) {
      if (j !== i && clique.every((member) => near[member]![j])) clique.push(j);
    }
    if (clique.length > largest.length) largest = clique;
  }
  return 2 * largest.length > near.length ? largest.sort((a, b) => a - b) : [];
}
