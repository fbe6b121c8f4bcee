import type { LabRun } from '../corpus/lab-run.ts';

/** Share of the input or the work of each kind of partial run. */
export const FRACTION_OF = { halfInput: 0.5, mostInput: 0.9, nearlyAllInput: 0.99 } as const;
export const WORK_OF = { halfWork: 0.5, mostWork: 0.9 } as const;

/** Recorded runs that are less than the job asks for, or something else. */
export type OwnRuns = Record<keyof typeof FRACTION_OF | keyof typeof WORK_OF | 'otherInput', LabRun[]>;
