import { isUnfinished } from '../client/book/is-unfinished.ts';
import type { JobRecord } from '../client/index.ts';
import { replay } from '../protocol/index.ts';
import { Interrupted } from './interrupted.ts';
import { say, yellow } from './output.ts';

/** Does what a command does about its job; says how to go on with it where the user ends that before the job is over. */
export async function withLeavingWord<T>(record: JobRecord, { json }: { json?: boolean | undefined }, use: () => Promise<T>): Promise<T> {
  try {
    return await use();
  } catch (error) {
    if (error instanceof Interrupted && json !== true && isUnfinished(record)) {
      const id = record.jobId.slice(0, 10);
      say(`${yellow('left')} ${replay(record.events)?.state === 'Assigned' ? 'its nodes run it all the same; ' : ''}gadus job wait ${id} goes on with it${
        replay(record.events)?.state === 'Open' ? `, gadus job cancel ${id} calls it off` : ''}`);
    }
    throw error;
  }
}
