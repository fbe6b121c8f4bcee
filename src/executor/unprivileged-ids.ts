import { createHash } from 'node:crypto';
import { FIRST_JOB_ID, FIRST_MONITOR_ID, IDS_EACH } from './constants.ts';

/** A user, and a group of the same number, of this machine that is nobody else: owner of nothing but what one run makes. */
export type UnprivilegedId = number;

/** Who a job is on this machine when it has a user namespace: another for every run. */
export function jobId(runName: string): UnprivilegedId {
  return within(FIRST_JOB_ID, runName);
}

/** Who a run's virtual machine monitor is. */
export function monitorId(runName: string): UnprivilegedId {
  return within(FIRST_MONITOR_ID, runName);
}

function within(first: number, name: string): UnprivilegedId {
  return first + (createHash('sha256').update(name).digest().readUInt32BE() % IDS_EACH);
}
