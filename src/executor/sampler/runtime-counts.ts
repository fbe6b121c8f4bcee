import { readSync } from 'node:fs';
import type { ChannelName } from '../../protocol/index.ts';

/** Channels that a runtime inside the job counts itself, of nothing but the job: in the order of a record. */
export const RUNTIME_CHANNELS = ['instructions', 'residentBytes', 'readBytes', 'writtenBytes', 'readCalls', 'writeCalls'] as const satisfies readonly ChannelName[];
/** Channels that would show the runtime's own doings, and nothing of the job's: left out where there is one. */
export const RUNTIMES_OWN: ReadonlySet<ChannelName> = new Set(['cacheBytes', 'majorFaults', 'processes']);
const WORDS = RUNTIME_CHANNELS.length + 2;
/** A record in a file: little-endian float64, a serial number, RUNTIME_CHANNELS, the serial number again. */
export const COUNTS_BYTES = 8 * WORDS;

/** Reads such a record, which is written over and over while it is read. */
export class RuntimeCounts {
  readonly values = new Float64Array(RUNTIME_CHANNELS.length);
  private readonly fd: number;
  private readonly record = new Float64Array(WORDS);
  private readonly bytes: Uint8Array;

  constructor(fd: number) {
    this.fd = fd;
    this.bytes = new Uint8Array(this.record.buffer);
  }

  /** Reads it into `values`, which stay as they were when it was caught between two records. @returns whether it was whole */
  read(): boolean {
    if (readSync(this.fd, this.bytes, 0, COUNTS_BYTES, 0) < COUNTS_BYTES) return false;
    const { record } = this;
    const counts = record.subarray(1, WORDS - 1);
    if (record[0] !== record[WORDS - 1] || !counts.every((value) => value >= 0 && value < Infinity)) return false;
    this.values.set(counts);
    return true;
  }
}
