import { SKETCH_THRESHOLD } from './constants.ts';
import { sketchDistance } from './sketch-distance.ts';

/**
 * The majority that the contract finds when the client is silent or contested: around each sketch in turn grows a clique,
 * by adding every other one, in ascending order, that is within the threshold of all members so far; the largest (the first on
 * ties) is the majority if it has more than half of the sketches. The contract's MajorityLib does the same.
 *
 * @returns ascending indices; empty when there is no majority
 */
export function majorityOf(sketches: readonly Uint8Array[]): number[] {
  const near = sketches.map((a) => sketches.map((b) => sketchDistance(a, b) <= SKETCH_THRESHOLD));
  let largest: number[] = [];
  for (let i = 0; i < sketches.length; i++) {
    // A malformed sketch is not even like itself.
    if (!near[i]![i]) continue;
    const clique = [i];
    for (let j = 0; j < sketches.length; j++) {
      if (j !== i && clique.every((member) => near[member]![j])) clique.push(j);
    }
    if (clique.length > largest.length) largest = clique;
  }
  return 2 * largest.length > sketches.length ? largest.sort((a, b) => a - b) : [];
}
