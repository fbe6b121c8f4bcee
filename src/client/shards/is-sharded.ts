import type { JobRecord } from '../book/job-record.ts';

/** Whether a job falls into shards, be it one only: then its evidence and its result have another form. */
export function isSharded({ spec }: Pick<JobRecord, 'spec'>): boolean {
  return (JSON.parse(spec) as { shards?: unknown }).shards !== undefined;
}
