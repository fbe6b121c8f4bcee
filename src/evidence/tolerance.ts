import { SKETCH_THRESHOLD } from './constants.ts';

/**
 * Distance up to which two runs of one of `shards` shards agree, in distances of a job's only run: 1 + ceil(log2 shards). Who looks for an
 * honest run that deviates finds the farthest of all shards. Of honest pairs of the laboratory 0.63 % are beyond 1, and half as many with
 * about every further 1; so beyond this any of all shards is as seldom as one run is beyond 1. Of 10,000 shards it is 15; half of an
 * input is at 16 and more, a run that did nothing in the tens and hundreds.
 */
export function toleranceOf(shards: number): number {
  return 1 + (shards <= 1 ? 0 : 32 - Math.clz32(shards - 1));
}

/** The same of two sketches, `1000 * (1 + proofLength)` in the contract: the tree over as many shards is that high. */
export function sketchThreshold(shards: number): number {
  return SKETCH_THRESHOLD * toleranceOf(shards);
}
