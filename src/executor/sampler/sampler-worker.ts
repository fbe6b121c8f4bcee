import { readFileSync } from 'node:fs';
import { parentPort } from 'node:worker_threads';
import { SAMPLER_IDLE_FACTOR } from '../constants.ts';
import { JobReader } from './job-reader.ts';
import { preferThisThread } from './prefer-this-thread.ts';
import { monotonicMs } from './monotonic-ms.ts';
import { GO, GO_AT, LOG_BYTES_OFFSET, STOP, STOP_AT, TIMES_OFFSET, type SampleTask, type SamplerMessage, type Sampling } from './sampler-protocol.ts';
import { stepAfter } from './schedule.ts';
import { Series } from './series.ts';

// Files of ended processes fail to open many times a second; the stack of such an error costs more than the sample.
Error.stackTraceLimit = 0;

preferThisThread();
const port = parentPort!;
port.on('message', (task: SampleTask) => {
  try {
    const sampling = sample(task);
    port.postMessage({ type: 'result', sampling } satisfies SamplerMessage, [
      sampling.t.buffer as ArrayBuffer,
      ...Object.values(sampling.channels).map((column) => column.buffer as ArrayBuffer),
    ]);
  } catch (error) {
    port.postMessage({ type: 'failed', message: String(error) } satisfies SamplerMessage);
  }
});

/** One run, from baseline to end. Blocks this thread: it has no other work. */
function sample({ source, intervalMs, limit, holdTimeoutMs, shared }: SampleTask): Sampling {
  const order = new Int32Array(shared, 0, 1);
  const logBytes = new BigInt64Array(shared, LOG_BYTES_OFFSET, 1);
  const times = new Float64Array(shared, TIMES_OFFSET, 2);
  const reader = new JobReader(source);
  try {
    const series = new Series({ names: reader.names, intervalMs, limit });
    const lateMs: number[] = [];
    reader.read(0);
    series.start(reader.values, ['outputBytes']);
    port.postMessage({ type: 'baseline' } satisfies SamplerMessage);
    Atomics.wait(order, 0, 0, holdTimeoutMs);

    const cpuBefore = threadCpuNs();
    // The orders' own times: on a crowded machine this thread learns of them late.
    const startedMs = times[GO_AT]! || monotonicMs();
    const start = performance.now() - (monotonicMs() - startedMs);
    let n = 0;
    let due = start + stepAfter(n, series.intervalMs);
    let earliest = start;
    let last = start;
    let lost = 0;
    let missed = 0;
    for (;;) {
      const at = Math.max(due, earliest);
      const pause = at - performance.now();
      if (pause > 0 && Atomics.load(order, 0) === GO) Atomics.wait(order, 0, GO, pause);
      const now = performance.now();
      const stop = Atomics.load(order, 0) !== GO;
      if (!stop && now < at) continue;
      const ended = stop || reader.ended();
      reader.read(Number(Atomics.load(logBytes, 0)), ended);
      const end = ended && times[STOP_AT]! > 0 ? Math.min(now, start + times[STOP_AT]! - startedMs) : now;
      series.push(end - start, reader.values);
      // By whole intervals: of the closer ones at the beginning a few may be missed.
      lost += Math.max(0, Math.floor((end - last) / series.intervalMs) - 1);
      last = end;
      if (ended) {
        for (; due + stepAfter(n, series.intervalMs) < end; due += stepAfter(++n, series.intervalMs)) missed++;
        const stats = { cpuNs: Math.max(0, threadCpuNs() - cpuBefore), samples: series.length, lost, missed, jitterP99Ms: percentile(lateMs, 0.99) };
        return { startedMs, intervalMs: series.intervalMs, ...series.take(), stats };
      }
      lateMs.push(now - due);
      const done = performance.now();
      earliest = done + (done - now) * SAMPLER_IDLE_FACTOR;
      // Those that fell due meanwhile are not made up for: they would all show the same moment.
      const busyUntil = Math.max(done, earliest);
      for (missed--; due <= busyUntil; due += stepAfter(++n, series.intervalMs)) missed++;
    }
  } finally {
    Atomics.store(order, 0, STOP);
    reader.close();
  }
}

/** CPU time of the calling thread, ns. */
function threadCpuNs(): number {
  return Number(readFileSync('/proc/thread-self/schedstat', 'latin1').split(' ')[0]);
}

function percentile(values: number[], p: number): number {
  if (values.length === 0) return 0;
  return Math.max(0, values.toSorted((a, b) => a - b)[Math.min(values.length - 1, Math.floor(p * values.length))]!);
}
