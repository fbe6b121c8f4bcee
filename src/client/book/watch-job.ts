import { setTimeout as sleep } from 'node:timers/promises';
import type { Chain } from '../../chain/index.ts';
import { isError, isFinal, MAX_SEED_DELAY_BLOCKS, messageOf, replay, type JobEvent, type JobState } from '../../protocol/index.ts';
import type { Progress } from '../components.ts';
import { RELEASE_POLL_MS, RELEASE_WAIT_MS, WATCH_POLL_MS } from '../constants.ts';
import { tellEvent, tellState } from '../session/tell.ts';
import type { JobBook } from './job-book.ts';
import type { JobRecord } from './job-record.ts';
import { refreshJob } from './refresh-job.ts';

export interface WatchInit {
  /** Block to read the job's history from. */
  deploymentBlock: bigint;
  onProgress?: (progress: Progress) => void;
  /** Whether to stop looking on before the job is final: when nobody carries it. */
  untilFree?: boolean;
  signal?: AbortSignal;
}

/**
 * Looks on at a job without a hand in it: tells what the chain says of it until it is final. What who carries it found is in the record then.
 *
 * @throws ChainError; an endpoint that is away for a while is told and asked again
 */
export async function watchJob({ chain, book }: { chain: Chain; book: JobBook }, record: JobRecord, { deploymentBlock, onProgress = () => {}, untilFree = false, signal }: WatchInit): Promise<void> {
  const options = signal === undefined ? {} : { signal };
  let told = record.events.length;
  let problem = '';
  for (;;) {
    try {
      await refreshJob({ chain, book }, record, startOf(record, deploymentBlock), options);
      problem = '';
    } catch (error) {
      if (!isError(error, 'RPC_UNREACHABLE', 'RPC_ERROR')) throw error;
      if (problem !== messageOf(error)) onProgress({ stage: 'problem', message: problem = messageOf(error) });
    }
    // A reorganisation may have taken some back.
    told = Math.min(told, record.events.length);
    for (; told < record.events.length; told++) tell(record.events, told, onProgress);
    const job = replay(record.events);
    if (job !== undefined && isFinal(job)) return settleDown(book, record, signal);
    if (untilFree && await book.claims.isFree(record.jobId)) return;
    await pause(Math.max(chain.pollingIntervalMs, WATCH_POLL_MS), signal);
  }
}

/** The block of the submit, or some before it: a public chain's whole history is long. */
function startOf({ events }: JobRecord, deploymentBlock: bigint): bigint {
  const submitted = events.find((event) => event.type === 'Submitted');
  const block = submitted === undefined ? 0n : submitted.seedBlock - MAX_SEED_DELAY_BLOCKS;
  return block > deploymentBlock ? block : deploymentBlock;
}

function tell(events: readonly JobEvent[], at: number, progress: (progress: Progress) => void): void {
  const [before, after] = [replay(events.slice(0, at)), replay(events.slice(0, at + 1))];
  if (after === undefined) return;
  tellEvent(events[at]!, after, { progress });
  if (after.state === before?.state) return;
  tellState(after, { progress });
  if (after.state === 'Settled') progress({ stage: 'verdict', agreed: agreedOf(after), of: after.verdicts.length });
  if (isFinal(after)) progress({ stage: 'final', state: after.state });
}

function agreedOf({ verdicts }: Extract<JobState, { state: 'Settled' }>): number {
  return verdicts.filter((verdict) => verdict === 'agreed').length;
}

/** Who carried it writes its last word a moment after the chain's. */
async function settleDown(book: JobBook, record: JobRecord, signal: AbortSignal | undefined): Promise<void> {
  const deadline = performance.now() + RELEASE_WAIT_MS;
  while (!await book.claims.isFree(record.jobId) && performance.now() < deadline) await pause(RELEASE_POLL_MS, signal);
  await book.note(record, record.events);
}

/** Ends with the signal's own reason. */
async function pause(ms: number, signal: AbortSignal | undefined): Promise<void> {
  await sleep(ms, undefined, signal && { signal }).catch(() => {});
  signal?.throwIfAborted();
}
