import type { Hex } from 'viem';
import type { ReplicaRecord } from '../replica-record.ts';

export interface ForgetOldInit {
  /** How long evidence stays after its job is over, ms. */
  keepMs: number;
  /** Wall clock, ms since the epoch. */
  nowMs: number;
  /** Drops what the disk holds of a job: sealed evidence, shards, windows. */
  forget(jobId: Hex): Promise<void>;
  save(record: ReplicaRecord): Promise<void>;
}

/**
 * Drops the evidence of jobs that have been over for as long as their results are kept. Records stay: they say what became of the job.
 *
 * @returns how many jobs' evidence was dropped
 */
export async function forgetOld(records: Iterable<ReplicaRecord>, { keepMs, nowMs, forget, save }: ForgetOldInit): Promise<number> {
  let forgotten = 0;
  for (const record of records) {
    if (record.finished === undefined || record.outcome === undefined || record.forgotten === true) continue;
    if (record.finishedAt === undefined) {
      // Ended before this was noted: its time begins now.
      record.finishedAt = nowMs;
    } else if (nowMs > record.finishedAt + keepMs) {
      await forget(record.jobId);
      record.forgotten = true;
      forgotten++;
    } else {
      continue;
    }
    await save(record);
  }
  return forgotten;
}
