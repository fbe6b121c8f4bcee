import { FETCH_BLOCKS_PER_SECOND, FETCH_BYTES_PER_SECOND, UNPACK_BYTES_PER_SECOND } from '../constants.ts';
import type { KnownSize } from './known-inputs.ts';

/** Seconds that a node without a job's inputs and image has to fetch them in, and to unpack the image, beside what the job may run: whoever is drawn must not be late for their size. */
export function fetchSeconds(inputs: KnownSize, image: KnownSize): number {
  const bytes = inputs.bytes + image.bytes;
  const blocks = inputs.blocks + image.blocks;
  return Math.ceil(bytes / FETCH_BYTES_PER_SECOND + blocks / FETCH_BLOCKS_PER_SECOND + image.bytes / UNPACK_BYTES_PER_SECOND);
}
