import { SKETCH_THRESHOLD } from './constants.ts';
import { sketchDistance } from './sketch-distance.ts';

/**
 * The majority that the contract finds when the client is silent or contested: around each sketch in turn grows a clique,
 * by adding every other one, in ascending order, that is within the threshold of all members so far; the largest (the first on
 * ties) is the majority if it has more than half of the sketches. Distances are strict ones first; where those give no majority, the
 * program is not one that repeats itself, and the others decide. The contract's MajorityLib does the same.
 *
 * @returns ascending indices; empty when there is no majority
 */
export function majorityOf(sketches: readonly Uint8Array[]): number[] {
  const distances = sketches.map((a) => sketches.map((b) => sketchDistance(a, b)));
  const strict = majorityAmong(distances.map((row) => row.map((pair) => pair.strict <= SKETCH_THRESHOLD)));
  return strict.length > 0 ? strict : majorityAmong(distances.map((row) => row.map((pair) => pair.distance <= SKETCH_THRESHOLD)));
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
