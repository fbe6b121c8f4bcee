import { cancel, isJobEvent, type CallOptions, type Chain } from '../../chain/index.ts';
import { ClientError } from '../errors.ts';
import type { JobBook } from './job-book.ts';
import type { JobRecord } from './job-record.ts';
import { refreshJob } from './refresh-job.ts';

/** Open -> Cancelled. @throws ClientError CANNOT_CANCEL once nodes are assigned; ChainError */
export async function cancelJob({ chain, book }: { chain: Chain; book: JobBook }, record: JobRecord, deploymentBlock: bigint, options: CallOptions = {}): Promise<void> {
  await refreshJob({ chain, book }, record, deploymentBlock, options);
  const state = book.stateOf(record)?.state;
  if (state !== 'Open') {
    throw new ClientError('CANNOT_CANCEL', `the job is ${state ?? 'not on chain'}`, { hint: 'only a job that waits for bids can be cancelled' });
  }
  const { events } = await cancel(chain, { request: record.request }, options);
  await book.note(record, [...record.events, ...events.filter(isJobEvent)]);
}
