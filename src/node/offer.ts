import type { Resources } from '../protocol/index.ts';

/** What the machine has for one job at the most. */
export type Offer = Pick<Resources, 'cpus' | 'memoryBytes' | 'diskBytes'>;
