import { FETCH_BLOCKS_PER_SECOND, FETCH_BYTES_PER_SECOND } from '../constants.ts';
import type { KnownInputs } from './known-inputs.ts';

/** Seconds that a node without a job's inputs has to fetch them in, beside what the job may run: whoever is drawn must not be late for their size. */
export function fetchSeconds({ bytes, blocks }: Pick<KnownInputs, 'bytes' | 'blocks'>): number {
  return Math.ceil(bytes / FETCH_BYTES_PER_SECOND + blocks / FETCH_BLOCKS_PER_SECOND);
}
