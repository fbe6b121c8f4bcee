import { SAMPLER_IDLE_FACTOR } from '../constants.ts';
import type { Sample } from '../engine.ts';
import { glances } from './glances.ts';
import { JobReader } from './job-reader.ts';
import { monotonicMs } from './monotonic-ms.ts';
import { GO, GO_AT, HOLD, LOG_BYTES_OFFSET, STOP, STOP_AT, TIMES_OFFSET, type SampleTask, type Sampling } from './sampler-protocol.ts';
import { stepAfter } from './schedule.ts';
import { Series } from './series.ts';

/** What of the thread's time is whose. */
export interface ThreadTime {
  /** CPU time of the thread, ns. */
  cpuNs(): number;
  /** Wall time all its watches together spent on samples, ms. */
  busyMs: number;
}

/** A job that was started: when, by either clock; which sample is due next and when; when the last one was taken; what the thread had spent before. */
interface Running { startedMs: number; start: number; step: number; due: number; last: number; cpuNs: number; threadBusyMs: number }

/** One job being watched by a thread that may watch others, too. Made with the baseline taken; the start mark is the first `step` that sees GO. */
export class Watch {
  /** When to step next, `performance.now()` ms; an order is a reason to step at once. */
  due: number;
  readonly #order: Int32Array;
  readonly #logBytes: BigInt64Array;
  readonly #times: Float64Array;
  readonly #reader: JobReader;
  readonly #series: Series;
  readonly #thread: ThreadTime;
  readonly #glance: (t: number) => void;
  readonly #lateMs: number[] = [];
  #running: Running | undefined;
  #busyMs = 0;
  #lost = 0;
  #missed = 0;

  constructor({ source, intervalMs, limit, holdTimeoutMs, shared }: SampleTask, thread: ThreadTime, onSample?: (sample: Sample) => void) {
    this.#thread = thread;
    this.#order = new Int32Array(shared, 0, 1);
    this.#logBytes = new BigInt64Array(shared, LOG_BYTES_OFFSET, 1);
    this.#times = new Float64Array(shared, TIMES_OFFSET, 2);
    this.#reader = new JobReader(source);
    this.#series = new Series({ names: this.#reader.names, intervalMs, limit });
    this.#glance = glances(this.#series, onSample);
    try {
      this.#reader.read(0);
    } catch (error) {
      this.close();
      throw error;
    }
    this.#series.start(this.#reader.values, ['outputBytes']);
    this.due = performance.now() + holdTimeoutMs;
  }

  /** Whether there is something to do: an order, or a sample that is due. */
  wants(now: number): boolean {
    const order = Atomics.load(this.#order, 0);
    return now >= this.due || order === STOP || (order === GO && this.#running === undefined);
  }

  /** Does it. @returns all samples, at the end */
  step(): Sampling | undefined {
    // Nobody gave an order for so long: what there is begins and ends now.
    if (this.#running === undefined) this.#begin();
    const order = Atomics.load(this.#order, 0);
    const now = performance.now();
    if (order === GO && now < this.due) return undefined;
    const ended = order !== GO || this.#reader.ended();
    this.#reader.read(Number(Atomics.load(this.#logBytes, 0)), ended);
    const running = this.#running!;
    const stoppedAt = this.#times[STOP_AT]!;
    const end = ended && stoppedAt > 0 ? Math.min(now, running.start + stoppedAt - running.startedMs) : now;
    this.#series.push(end - running.start, this.#reader.values);
    if (!ended) this.#glance(end - running.start);
    // By whole intervals: of the closer ones at the beginning a few may be missed.
    this.#lost += Math.max(0, Math.floor((end - running.last) / this.#series.intervalMs) - 1);
    running.last = end;
    const done = performance.now();
    this.#spent(done - now);
    if (ended) {
      // The last sample stands for the one that was due.
      this.#skipTo(running, end - stepAfter(running.step, this.#series.intervalMs));
      return this.#take(running);
    }
    this.#lateMs.push(now - running.due);
    // What took long is paused for, longer: a job must not eat the host's CPU by being watched.
    const earliest = done + (done - now) * SAMPLER_IDLE_FACTOR;
    this.#next(running);
    // Those that fell due meanwhile are not made up for: they would all show the same moment.
    this.#skipTo(running, earliest);
    this.due = Math.max(running.due, earliest);
    return undefined;
  }

  close(): void {
    Atomics.store(this.#order, 0, STOP);
    this.#reader.close();
  }

  #begin(): void {
    // The orders' own times: on a crowded machine this thread learns of them late.
    const startedMs = this.#times[GO_AT]! || monotonicMs();
    const start = performance.now() - (monotonicMs() - startedMs);
    const due = start + stepAfter(0, this.#series.intervalMs);
    this.#running = { startedMs, start, step: 0, due, last: start, cpuNs: this.#thread.cpuNs(), threadBusyMs: this.#thread.busyMs };
    if (Atomics.load(this.#order, 0) !== HOLD) this.due = due;
  }

  #next(running: Running): void {
    running.due += stepAfter(++running.step, this.#series.intervalMs);
  }

  /** Leaves out what was due by then and not taken. */
  #skipTo(running: Running, now: number): void {
    for (; running.due <= now; this.#next(running)) this.#missed++;
  }

  #spent(ms: number): void {
    this.#busyMs += ms;
    this.#thread.busyMs += ms;
  }

  #take({ startedMs, cpuNs: before, threadBusyMs }: Running): Sampling {
    // Of a thread with several watches each has its share.
    const share = this.#busyMs / (this.#thread.busyMs - threadBusyMs || 1);
    const cpuNs = Math.max(0, this.#thread.cpuNs() - before) * share;
    const stats = { cpuNs, samples: this.#series.length, lost: this.#lost, missed: this.#missed, jitterP99Ms: percentile(this.#lateMs, 0.99) };
    return { startedMs, intervalMs: this.#series.intervalMs, ...this.#series.take(), stats };
  }
}

function percentile(values: number[], p: number): number {
  if (values.length === 0) return 0;
  return Math.max(0, values.toSorted((a, b) => a - b)[Math.min(values.length - 1, Math.floor(p * values.length))]!);
}
