import { setTimeout as sleep } from 'node:timers/promises';
import type { Client, JobRecord } from '../client/index.ts';

/** Longest wait for the receipt of an assignment that the chain has, ms: it follows at once where it is this client's. */
const BOOKING_WAIT_MS = 2000;

/** Waits until a job has its nodes, or has ended without, and what that cost is written down: who leaves before leaves it out of the report. */
export async function waitForBooking(client: Client, record: JobRecord, signal: AbortSignal): Promise<void> {
  await client.waitFor(record, (job) => job !== undefined && job.state !== 'Open', { signal });
  const over = new AbortController();
  await Promise.race([
    client.waitFor(record, (job) => job === undefined || !('roster' in job) || record.gas['assign'] !== undefined, { signal }),
    sleep(BOOKING_WAIT_MS, undefined, { signal: over.signal }),
  ]).finally(() => over.abort());
}
