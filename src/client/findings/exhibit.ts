import type { WindowLeaf } from '../../evidence/index.ts';
import type { Evidence, JobState } from '../../protocol/index.ts';
import type { Receipt } from '../../storage/index.ts';

/** A job whose commitments are closed, on chain or by a set that all seats signed. */
export type ClosedJob = Pick<Extract<JobState, { state: 'Committed' }>, 'request' | 'roster' | 'committed'>;

/** Evidence of one seat, opened and held against its commitment, or why there is none. */
export type Exhibit = { seat: number; evidence: Evidence; receipts: Receipt[]; windows?: ExhibitWindows } | { seat: number; problem: string };

/** Windows that a node opened, true to its evidence, and whether they were held against its result as well. */
export interface ExhibitWindows { leaves: WindowLeaf[]; heldAgainstResult: boolean }
