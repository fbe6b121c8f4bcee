import { ownAddresses } from '../../network/index.ts';
import type { Announcement } from '../../protocol/index.ts';
import type { ClientComponents } from '../components.ts';
import { ANNOUNCE_INTERVAL_MS, ANNOUNCE_MAX_INTERVAL_MS } from '../constants.ts';
import type { JobRecord } from '../book/job-record.ts';

/** Announces one job again and again, ever less often: nodes come and go, and gossip is best effort. */
export class Announcer {
  readonly #components: Pick<ClientComponents, 'host' | 'gossip'>;
  readonly #record: Pick<JobRecord, 'request' | 'spec'>;
  #firstAt = Infinity;
  #nextAt = -Infinity;
  #pauseMs = ANNOUNCE_INTERVAL_MS;

  constructor(components: Pick<ClientComponents, 'host' | 'gossip'>, record: Pick<JobRecord, 'request' | 'spec'>) {
    this.#components = components;
    this.#record = record;
  }

  /** Time since the first announcement, ms; negative infinity before it. */
  get ageMs(): number {
    return performance.now() - this.#firstAt;
  }

  /** What is announced. */
  get announcement(): Announcement {
    const { request, spec } = this.#record;
    return { request, spec: new TextEncoder().encode(spec), addrs: ownAddresses(this.#components.host) };
  }

  /** Begins anew: the job waits for bids once more. */
  restart(): void {
    this.#firstAt = Infinity;
    this.#nextAt = -Infinity;
    this.#pauseMs = ANNOUNCE_INTERVAL_MS;
  }

  /** Announces if it is time. @returns whether it was */
  async announce(signal: AbortSignal): Promise<boolean> {
    const now = performance.now();
    if (now < this.#nextAt) return false;
    this.#firstAt = Math.min(this.#firstAt, now);
    this.#nextAt = now + this.#pauseMs;
    this.#pauseMs = Math.min(2 * this.#pauseMs, ANNOUNCE_MAX_INTERVAL_MS);
    await this.#components.gossip.publish(this.announcement, { signal });
    return true;
  }
}
