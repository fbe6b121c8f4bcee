import { createHash } from 'node:crypto';
import { FIRST_JOB_ID, FIRST_MONITOR_ID, IDS_EACH, IMAGE_OWNER_ID, JOB_UID, ROOTLESS_FIRST_JOB_ID, ROOTLESS_IMAGE_OWNER_ID } from '../constants.ts';
import { inUserNamespace, mappedIds } from './user-namespace.ts';

/** A user, and a group of the same number, of this machine that is nobody else: owner of nothing but what one run makes. */
export type UnprivilegedId = number;

/** Who a job is on this machine when it has a user namespace: another for every run. */
export function jobId(runName: string): UnprivilegedId {
  if (!inUserNamespace()) return within(FIRST_JOB_ID, runName);
  return within(ROOTLESS_FIRST_JOB_ID, runName, Math.min(mappedIds(), JOB_UID) - ROOTLESS_FIRST_JOB_ID);
}

/** Who owns unpacked images, and is root to the jobs that run in them. */
export function imageOwner(): UnprivilegedId {
  return inUserNamespace() ? ROOTLESS_IMAGE_OWNER_ID : IMAGE_OWNER_ID;
}

/** Who a run's virtual machine monitor is. */
export function monitorId(runName: string): UnprivilegedId {
  return within(FIRST_MONITOR_ID, runName);
}

function within(first: number, name: string, count = IDS_EACH): UnprivilegedId {
  return first + (createHash('sha256').update(name).digest().readUInt32BE() % count);
}
