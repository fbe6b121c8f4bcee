// Not by the folder's index: the thread that samples would load all that is behind it.
import { CHANNELS, type ChannelName } from '../../protocol/trace/trace.ts';
import type { Sample } from '../engine.ts';

/** Growing columns of samples, one for time and one for each channel. */
export class Series {
  readonly names: ChannelName[];
  /** Nominal distance of the samples kept, ms; doubles whenever every second one is dropped. */
  intervalMs: number;
  length = 0;
  private capacity = 1024;
  private readonly limit: number;
  /** Column 0 is time. */
  private columns: Float64Array[];
  private readonly baseline: Float64Array;

  constructor(init: { names: ChannelName[]; intervalMs: number; limit: number }) {
    this.names = init.names;
    this.intervalMs = init.intervalMs;
    this.limit = init.limit;
    this.columns = Array.from({ length: init.names.length + 1 }, () => new Float64Array(this.capacity));
    this.baseline = new Float64Array(init.names.length);
  }

  /** Counters are counted from these values on; levels as well when named in `relativeLevels`. */
  start(values: Float64Array, relativeLevels: ChannelName[] = []): void {
    this.names.forEach((name, i) => {
      if (CHANNELS[name].kind === 'counter' || relativeLevels.includes(name)) this.baseline[i] = values[i]!;
    });
    this.push(0, values);
  }

  /** Appends one sample. A counter that seems to fall (a child not yet waited for) keeps its last value. */
  push(t: number, values: Float64Array): void {
    if (this.length === this.limit) this.thin();
    if (this.length === this.capacity) this.grow();
    const at = this.length++;
    this.columns[0]![at] = at > 0 ? Math.max(t, this.columns[0]![at - 1]! + 1e-3) : t;
    for (let i = 0; i < this.names.length; i++) {
      const column = this.columns[i + 1]!;
      const value = Math.max(0, values[i]! - this.baseline[i]!);
      column[at] = at > 0 && CHANNELS[this.names[i]!].kind === 'counter' ? Math.max(value, column[at - 1]!) : value;
    }
  }

  /** The sample that was appended last. */
  last(): Sample {
    const at = this.length - 1;
    return { t: this.columns[0]![at]!, channels: Object.fromEntries(this.names.map((name, i) => [name, this.columns[i + 1]![at]!])) };
  }

  /** The columns, cut to length. The series must not be used afterwards. */
  take(): { t: Float64Array; channels: Partial<Record<ChannelName, Float64Array>> } {
    const cut = this.columns.map((column) => column.slice(0, this.length));
    this.columns = [];
    return { t: cut[0]!, channels: Object.fromEntries(this.names.map((name, i) => [name, cut[i + 1]!])) };
  }

  private thin(): void {
    const kept = this.length >> 1;
    for (const column of this.columns) for (let i = 0; i < kept; i++) column[i] = column[2 * i]!;
    this.length = kept;
    this.intervalMs *= 2;
  }

  private grow(): void {
    this.capacity = Math.min(this.capacity * 2, this.limit);
    this.columns = this.columns.map((column) => {
      const larger = new Float64Array(this.capacity);
      larger.set(column);
      return larger;
    });
  }
}
