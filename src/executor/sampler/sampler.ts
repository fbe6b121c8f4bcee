import { Worker } from 'node:worker_threads';
import { MAX_IDLE_SAMPLERS, MAX_SAMPLES, MIN_SAMPLE_INTERVAL_MS, SAMPLER_TIMEOUT_MS, START_TIMEOUT_MS } from '../constants.ts';
import { ExecutorError } from '../errors.ts';
import type { SamplerSource } from './job-reader.ts';
import { monotonicMs } from './monotonic-ms.ts';
import { GO, GO_AT, LOG_BYTES_OFFSET, SHARED_BYTES, STOP, STOP_AT, TIMES_OFFSET, type SampleTask, type SamplerMessage, type Sampling } from './sampler-protocol.ts';

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

const file = new URL(import.meta.url.endsWith('.ts') ? './sampler-worker.ts' : './sampler-worker.js', import.meta.url);
const idle: Worker[] = [];

/** Starts a sampler thread ahead of need, unless one is idle: it takes about as long as a container. */
export function warmSampler(): void {
  if (idle.length === 0) park(createWorker());
}

/**
 * Lets a thread of its own watch a job; resolves with the baseline taken.
 *
 * @throws ExecutorError SAMPLER_FAILED, REQUEST_INVALID
 */
export async function startSampler(source: SamplerSource, options: { intervalMs: number; limit?: number }): Promise<Sampler> {
  if (!(options.intervalMs >= MIN_SAMPLE_INTERVAL_MS && Number.isFinite(options.intervalMs))) {
    throw new ExecutorError('REQUEST_INVALID', 'not a sampling interval', { details: `${options.intervalMs} ms, at least ${MIN_SAMPLE_INTERVAL_MS}` });
  }
  const worker = idle.pop() ?? createWorker();
  worker.ref();
  const shared = new SharedArrayBuffer(SHARED_BYTES);
  const order = new Int32Array(shared, 0, 1);
  const logBytes = new BigInt64Array(shared, LOG_BYTES_OFFSET, 1);
  const times = new Float64Array(shared, TIMES_OFFSET, 2);
  const baseline = Promise.withResolvers<void>();
  const result = Promise.withResolvers<Sampling>();
  result.promise.catch(() => undefined);

  const settle = (error?: Error, sampling?: Sampling) => {
    clearTimeout(timer);
    worker.removeAllListeners();
    if (error) {
      void worker.terminate();
      baseline.reject(error);
      result.reject(error);
    } else {
      result.resolve(sampling!);
      park(worker);
    }
  };
  const fail = (details: string) => settle(new ExecutorError('SAMPLER_FAILED', 'the sampler stopped', { details }));
  const timer = setTimeout(() => fail(`no baseline after ${SAMPLER_TIMEOUT_MS} ms`), SAMPLER_TIMEOUT_MS);
  worker.removeAllListeners();
  worker.on('error', (error) => fail(String(error)));
  worker.on('exit', (code) => fail(`thread exit ${code}`));
  worker.on('message', (message: SamplerMessage) => {
    if (message.type === 'baseline') {
      clearTimeout(timer);
      baseline.resolve();
    } else if (message.type === 'result') settle(undefined, message.sampling);
    else fail(message.message);
  });
  const { intervalMs, limit = MAX_SAMPLES } = options;
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread, not a window
  worker.postMessage({ source, intervalMs, limit, holdTimeoutMs: START_TIMEOUT_MS, shared } satisfies SampleTask);
  await baseline.promise;

  const give = (from: number | undefined, to: number) => {
    if (from === undefined) Atomics.store(order, 0, to);
    else Atomics.compareExchange(order, 0, from, to);
    Atomics.notify(order, 0);
  };
  const stop = () => {
    times[STOP_AT] ||= monotonicMs();
    give(undefined, STOP);
    return result.promise;
  };
  return {
    go: () => {
      times[GO_AT] = monotonicMs();
      give(0, GO);
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

function createWorker(): Worker {
  return new Worker(file, { execArgv: [], stdin: false });
}

function park(worker: Worker): void {
  if (idle.length >= MAX_IDLE_SAMPLERS) {
    void worker.terminate();
    return;
  }
  const leave = () => {
    const at = idle.indexOf(worker);
    if (at >= 0) idle.splice(at, 1);
  };
  worker.on('error', leave);
  worker.on('exit', leave);
  worker.unref();
  idle.push(worker);
}
