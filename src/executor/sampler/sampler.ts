import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';
import { sibling } from '../../protocol/base/sibling.ts';
import { JOBS_PER_SAMPLER, MAX_SAMPLES, MIN_SAMPLE_INTERVAL_MS, SAMPLER_TIMEOUT_MS, START_TIMEOUT_MS } from '../constants.ts';
import type { Sample } from '../engine.ts';
import { ExecutorError } from '../errors.ts';
import type { SamplerSource } from './job-reader.ts';
import { monotonicMs } from './monotonic-ms.ts';
import { GO, GO_AT, HOLD, LOG_BYTES_OFFSET, SHARED_BYTES, STOP, STOP_AT, TIMES_OFFSET, type SampleTask, type SamplerMessage, type Sampling } from './sampler-protocol.ts';

/** A sampler that has taken its baseline and waits for the start mark. */
export interface Sampler {
  /** The start mark: time 0. */
  go(): void;
  /** Tells the sampler how long the log is by now. */
  logged(bytes: number): void;
  /** Takes the last sample, of everything, and returns them all. */
  stop(): Promise<Sampling>;
  /** Waits for the sampler to see the end by itself, or for the signal to stop it. */
  result(signal?: AbortSignal): Promise<Sampling>;
}

const file = sibling('sampler-worker', import.meta.url);

/** A thread that watches jobs, and who waits for its word on each. */
interface Thread {
  worker: Worker;
  bell: Int32Array;
  listeners: Map<number, (message: SamplerMessage | Error) => void>;
}

const threads: Thread[] = [];
let lastId = 0;

/** Starts a sampler thread ahead of need, unless there is one: it takes about as long as a container. */
export function warmSampler(): void {
  if (threads.length === 0) createThread();
}

/**
 * Lets a thread beside the main one watch a job; resolves with the baseline taken.
 *
 * @throws ExecutorError SAMPLER_FAILED, REQUEST_INVALID
 */
export async function startSampler(source: SamplerSource, options: { intervalMs: number; limit?: number; onSample?: ((sample: Sample) => void) | undefined }): Promise<Sampler> {
  if (!(options.intervalMs >= MIN_SAMPLE_INTERVAL_MS && Number.isFinite(options.intervalMs))) {
    throw new ExecutorError('REQUEST_INVALID', 'not a sampling interval', { details: `${options.intervalMs} ms, at least ${MIN_SAMPLE_INTERVAL_MS}` });
  }
  const thread = threadWithRoom();
  const { worker, bell, listeners } = thread;
  const id = ++lastId;
  const shared = new SharedArrayBuffer(SHARED_BYTES);
  const order = new Int32Array(shared, 0, 1);
  const logBytes = new BigInt64Array(shared, LOG_BYTES_OFFSET, 1);
  const times = new Float64Array(shared, TIMES_OFFSET, 2);
  const baseline = Promise.withResolvers<void>();
  const result = Promise.withResolvers<Sampling>();
  result.promise.catch(() => undefined);

  const give = (from: number | undefined, to: number) => {
    if (from === undefined) Atomics.store(order, 0, to);
    else Atomics.compareExchange(order, 0, from, to);
    ring(bell);
  };
  const settle = (outcome: Sampling | Error) => {
    clearTimeout(timer);
    listeners.delete(id);
    if (listeners.size === 0) rest(thread);
    if (outcome instanceof Error) {
      give(undefined, STOP);
      baseline.reject(outcome);
      result.reject(outcome);
    } else result.resolve(outcome);
  };
  const fail = (details: string) => settle(new ExecutorError('SAMPLER_FAILED', 'the sampler stopped', { details }));
  const timer = setTimeout(() => fail(`no baseline after ${SAMPLER_TIMEOUT_MS} ms`), SAMPLER_TIMEOUT_MS);
  worker.ref();
  listeners.set(id, (message) => {
    if (message instanceof Error) fail(message.message);
    else if (message.type === 'baseline') {
      clearTimeout(timer);
      baseline.resolve();
    } else if (message.type === 'sample') options.onSample?.(message.sample);
    else if (message.type === 'result') settle(message.sampling);
    else fail(message.message);
  });
  const { intervalMs, limit = MAX_SAMPLES } = options;
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread, not a window
  worker.postMessage({ id, source, intervalMs, limit, holdTimeoutMs: START_TIMEOUT_MS, glances: options.onSample !== undefined, shared } satisfies SampleTask);
  ring(bell);
  await baseline.promise;

  const stop = () => {
    times[STOP_AT] ||= monotonicMs();
    give(undefined, STOP);
    return result.promise;
  };
  return {
    go: () => {
      times[GO_AT] = monotonicMs();
      give(HOLD, GO);
    },
    logged: (bytes) => void Atomics.store(logBytes, 0, BigInt(bytes)),
    stop,
    result: async (signal) => {
      if (signal?.aborted) return stop();
      signal?.addEventListener('abort', stop, { once: true });
      try {
        return await result.promise;
      } finally {
        signal?.removeEventListener('abort', stop);
      }
    },
  };
}

/** The first thread that has room, so that those behind it can rest, or else the one with the fewest jobs. */
function threadWithRoom(): Thread {
  const free = threads.find(({ listeners }) => listeners.size < JOBS_PER_SAMPLER);
  if (free !== undefined) return free;
  if (threads.length < availableParallelism()) return createThread();
  return threads.reduce((least, thread) => (thread.listeners.size < least.listeners.size ? thread : least));
}

/** Wakes a thread that sleeps until its next sample. */
function ring(bell: Int32Array): void {
  Atomics.add(bell, 0, 1);
  Atomics.notify(bell, 0);
}

function createThread(): Thread {
  const shared = new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT);
  const worker = new Worker(file, { execArgv: [], stdin: false, workerData: shared });
  const thread: Thread = { worker, bell: new Int32Array(shared), listeners: new Map() };
  const gone = (error: Error) => {
    const at = threads.indexOf(thread);
    if (at >= 0) threads.splice(at, 1);
    for (const listener of thread.listeners.values()) listener(error);
  };
  worker.on('error', (error) => gone(error instanceof Error ? error : new Error(String(error))));
  worker.on('exit', (code) => gone(new Error(`thread exit ${code}`)));
  worker.on('message', (message: SamplerMessage) => thread.listeners.get(message.id)?.(message));
  worker.unref();
  threads.push(thread);
  return thread;
}

/** A thread without jobs holds no process up; the first one is kept for the next job. */
function rest(thread: Thread): void {
  thread.worker.unref();
  const at = threads.indexOf(thread);
  if (at > 0) {
    threads.splice(at, 1);
    void thread.worker.terminate();
  }
}
