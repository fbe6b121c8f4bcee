import type { ChannelName } from '../../protocol/index.ts';
import type { Sample, SamplingStats } from '../engine.ts';
import type { SamplerSource } from './job-reader.ts';

/** Orders about one job, in an Int32 both threads see. */
export const HOLD = 0;
export const GO = 1;
export const STOP = 2;

/** Bytes of the shared memory: the order word, padding, the log's length as a BigInt64, and when GO and STOP were given, float64, by `monotonicMs`. */
export const SHARED_BYTES = 32;
export const LOG_BYTES_OFFSET = 8;
export const TIMES_OFFSET = 16;
/** Their places there. */
export const GO_AT = 0;
export const STOP_AT = 1;

export interface SampleTask {
  /** Names the job among those of one thread. */
  id: number;
  source: SamplerSource;
  intervalMs: number;
  /** Most samples kept. */
  limit: number;
  /** Longest wait for GO, ms. */
  holdTimeoutMs: number;
  /** Whether somebody looks on. */
  glances: boolean;
  shared: SharedArrayBuffer;
}

/** What a finished sampling hands over; arrays are moved, not copied. */
export interface Sampling {
  /** The start mark by `monotonicMs`, where the sampler is on this machine. */
  startedMs?: number;
  intervalMs: number;
  t: Float64Array;
  channels: Partial<Record<ChannelName, Float64Array>>;
  stats: SamplingStats;
}

export type SamplerMessage =
  | { type: 'baseline'; id: number }
  | { type: 'sample'; id: number; sample: Sample }
  | { type: 'result'; id: number; sampling: Sampling }
  | { type: 'failed'; id: number; message: string };
