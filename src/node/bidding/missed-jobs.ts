import { setTimeout as sleep } from 'node:timers/promises';
import type { Hex } from 'viem';
import { announcementProtocol, request, type Dialer, type Host } from '../../network/index.ts';
import { jobIdOf, type Announcement, type Court } from '../../protocol/index.ts';
import { ANNOUNCEMENT_ASK_TIMEOUT_MS, ANNOUNCEMENT_ASKS, ANNOUNCEMENT_GRACE_MS } from '../constants.ts';

export interface MissedJobsComponents { host: Dialer & Pick<Host, 'getPeers'>; court: Court }

export interface MissedJobsInit {
  /** Whether a job takes bids and nobody has announced it here. */
  isMissed(jobId: Hex): boolean;
  /** A peer knows it. */
  onFound(announcement: Announcement): Promise<void>;
  graceMs?: number;
}

/**
 * Gossip is best effort: a stream that was lost while the connection stayed is not opened again. A job that is seen on chain and was not
 * announced is asked of the peers, the client among them, ever less often while it takes bids.
 */
export class MissedJobs {
  readonly #components: MissedJobsComponents;
  readonly #init: MissedJobsInit;
  readonly #signal: AbortSignal;

  constructor(components: MissedJobsComponents, init: MissedJobsInit, signal: AbortSignal) {
    this.#components = components;
    this.#init = init;
    this.#signal = signal;
  }

  /** Looks after one job until it is announced, found or past bidding. Never throws. */
  async follow(jobId: Hex): Promise<void> {
    let pauseMs = this.#init.graceMs ?? ANNOUNCEMENT_GRACE_MS;
    for (let asked = 0; asked < ANNOUNCEMENT_ASKS; asked++) {
      await sleep(pauseMs, undefined, { signal: this.#signal, ref: false }).catch(() => {});
      if (this.#signal.aborted || !this.#init.isMissed(jobId)) return;
      await this.#ask(jobId);
      pauseMs *= 2;
    }
  }

  async #ask(jobId: Hex): Promise<void> {
    const { host, court } = this.#components;
    for (const peer of host.getPeers()) {
      if (this.#signal.aborted || !this.#init.isMissed(jobId)) return;
      const answer = await request(host, peer, announcementProtocol, { jobId }, { signal: this.#signal, timeoutMs: ANNOUNCEMENT_ASK_TIMEOUT_MS }).catch(() => undefined);
      if (answer?.found && jobIdOf(court, answer.announcement.request) === jobId) await this.#init.onFound(answer.announcement);
    }
  }
}
