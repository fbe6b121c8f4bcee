import type { Sample } from '../../executor/index.ts';
import type { ChannelName, Trace } from '../../protocol/index.ts';
import { LIVE_SAMPLES } from '../constants.ts';

/** What is drawn of a run. */
const DRAWN = ['cpuNs', 'residentBytes'] as const satisfies ChannelName[];
/** Of the distance that samples have once every second one is dropped, what the next ones must keep: they do not come to the millisecond. */
const KEPT_DISTANCE = 0.75;

/** A run as it is seen while it runs: its newest sample, and a curve of LIVE_SAMPLES at most, however long it is. */
export class LiveRun {
  /** By number, in a job of shards. */
  readonly shard: number | undefined;
  /** The start mark, ms since the epoch; undefined while the engine is coming up. */
  startedAt: number | undefined;
  last: Sample | undefined;
  #kept: Sample[] = [];
  /** Least distance of those kept, ms. */
  #distance = 0;

  constructor(shard?: number) {
    this.shard = shard;
  }

  /** The start mark; once more when the run is made again. */
  start(): void {
    this.startedAt = Date.now();
    this.last = undefined;
    this.#kept = [];
    this.#distance = 0;
  }

  take(sample: Sample): void {
    this.last = sample;
    const before = this.#kept.at(-1);
    if (before !== undefined && sample.t - before.t < this.#distance) return;
    if (this.#kept.length === LIVE_SAMPLES) {
      this.#kept = this.#kept.filter((_, i) => i % 2 === 0);
      this.#distance = (KEPT_DISTANCE * sample.t) / this.#kept.length;
    }
    this.#kept.push(drawn(sample));
  }

  /** The curve so far, from the start mark to the newest sample. */
  trace(engine: string): Trace {
    const { last } = this;
    const kept = last === undefined || last.t === this.#kept.at(-1)?.t ? this.#kept : [...this.#kept, last];
    const [first] = kept;
    const samples = first === undefined ? [] : [{ t: 0, channels: { ...first.channels, cpuNs: 0 } }, ...kept];
    const seen = DRAWN.filter((name) => first?.channels[name] !== undefined);
    return {
      version: 1, engine, intervalMs: this.#distance, t: Float64Array.from(samples, ({ t }) => t),
      channels: Object.fromEntries(seen.map((name) => [name, Float64Array.from(samples, ({ channels }) => channels[name] ?? 0)])),
    };
  }
}

/** Of a sample, what a curve is made of: hundreds are held. */
function drawn({ t, channels: { cpuNs, residentBytes } }: Sample): Sample {
  return { t, channels: { ...(cpuNs !== undefined && { cpuNs }), ...(residentBytes !== undefined && { residentBytes }) } };
}
