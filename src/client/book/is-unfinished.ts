import { isFinal, replay } from '../../protocol/index.ts';
import type { JobRecord } from './job-record.ts';

/** Whether a job of the journal still needs its client. */
export function isUnfinished(record: JobRecord): boolean {
  const job = replay(record.events);
  return job === undefined || !isFinal(job);
}
