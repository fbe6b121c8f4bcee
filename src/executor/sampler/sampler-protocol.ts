import type { ChannelName } from '../../protocol/index.ts';
import type { SamplingStats } from '../engine.ts';
import type { SamplerSource } from './job-reader.ts';

/** Orders to the sampler's thread, in an Int32 both threads see: it waits on this word, so an order takes effect at once. */
export const HOLD = 0;
export const GO = 1;
export const STOP = 2;

/** Bytes of the shared memory: the order word, padding, and the log's length as a BigInt64. */
export const SHARED_BYTES = 16;
export const LOG_BYTES_OFFSET = 8;

export interface SampleTask {
  source: SamplerSource;
  intervalMs: number;
  /** Most samples kept. */
  limit: number;
  /** Longest wait for GO, ms. */
  holdTimeoutMs: number;
  shared: SharedArrayBuffer;
}

/** What a finished sampling hands over; arrays are moved, not copied. */
export interface Sampling {
  /** The start mark on the machine's monotonic clock, ms, where the sampler is on this machine. */
  startedMs?: number;
  intervalMs: number;
  t: Float64Array;
  channels: Partial<Record<ChannelName, Float64Array>>;
  stats: SamplingStats;
}

export type SamplerMessage =
  | { type: 'baseline' }
  | { type: 'result'; sampling: Sampling }
  | { type: 'failed'; message: string };
