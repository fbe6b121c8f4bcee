import { readJobEvents, type CallOptions, type Chain } from '../../chain/index.ts';
import type { JobBook } from './job-book.ts';
import type { JobRecord } from './job-record.ts';

/**
 * Reads what the chain says of a job now, and writes it down unless another process carries the job.
 *
 * @param deploymentBlock block to read the job's history from
 * @throws ChainError
 */
export async function refreshJob({ chain, book }: { chain: Chain; book: JobBook }, record: JobRecord, deploymentBlock: bigint, options: CallOptions = {}): Promise<void> {
  await book.note(record, await readJobEvents(chain, { jobId: record.jobId, fromBlock: deploymentBlock }, options));
}
