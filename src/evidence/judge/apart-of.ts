import { sketchDistance } from '../fingerprint/sketch-distance.ts';
import { blockDistances } from './block-distances.ts';

/** How far two runs are apart, in all and block by block. Seen from the other one it is the same, but for the sign of CPU time. */
export interface Apart { distance: number; blocks: Float64Array }

export function apartOf(from: Uint8Array, to: Uint8Array): Apart {
  return { distance: sketchDistance(from, to).distance, blocks: blockDistances(from, to) };
}
