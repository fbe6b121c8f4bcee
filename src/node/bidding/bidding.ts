import type { Hex } from 'viem';
import { encodeSpec, jobIdOf, messageOf, replay, type Announcement, type JobEvent } from '../../protocol/index.ts';
import { considerJob } from './bidder.ts';
import { Considerations } from './considerations.ts';
import { MissedJobs } from './missed-jobs.ts';
import { ReachWait } from './reach-wait.ts';
import type { NodeComponents, NodeInit } from '../components.ts';
import { MAX_HEARD_JOBS } from '../constants.ts';
import type { Deliveries } from '../serving/deliveries.ts';
import type { EarlyEvents } from '../court/early-events.ts';
import type { ReplicaRecord } from '../replica-record.ts';

export interface BiddingComponents extends Pick<NodeComponents, 'chain' | 'court' | 'storage' | 'engines' | 'host' | 'journal' | 'log' | 'possessions'> {
  deliveries: Deliveries;
  early: EarlyEvents;
  records: Map<Hex, ReplicaRecord>;
}

/** Bids for announced jobs, once for each draw; a client that announces again (it restarted, or missed the bid) gets the same bid again. */
export class Bidding {
  readonly #components: BiddingComponents;
  readonly #init: NodeInit;
  readonly #signal: AbortSignal;
  readonly #drive: (jobId: Hex) => void;
  readonly #considerations = new Considerations();
  /** Jobs that somebody announced here, the last ones. */
  readonly #heard = new Set<Hex>();
  readonly #missed: MissedJobs;
  readonly #reachWait = new ReachWait();

  /** @param drive called when there may be something to do for a job */
  constructor(components: BiddingComponents, init: NodeInit, drive: (jobId: Hex) => void, signal: AbortSignal) {
    this.#components = components;
    this.#init = init;
    this.#drive = drive;
    this.#signal = signal;
    const { records, early } = components;
    this.#missed = new MissedJobs(components, {
      isMissed: (jobId) => !records.has(jobId) && !this.#heard.has(jobId) && early.has(jobId) && roundOf(early.amended(jobId, [])) !== undefined,
      onFound: (announcement) => this.#consider(jobIdOf(components.court, announcement.request), announcement),
    }, signal);
  }

  /** The chain's newest block is of this time, unix seconds. */
  onTime(timestamp: number): void {
    if (!this.#signal.aborted) this.#reachWait.onTime(timestamp);
  }

  /** A job was announced. */
  consider(announcement: Announcement): Promise<void> {
    const jobId = jobIdOf(this.#components.court, announcement.request);
    this.#hear(jobId);
    return this.#consider(jobId, announcement);
  }

  async #consider(jobId: Hex, announcement: Announcement): Promise<void> {
    const { records, deliveries } = this.#components;
    const known = records.get(jobId);
    if (known === undefined) {
      return this.#considerations.add(jobId, announcement, (newest) => this.#safely(jobId, () => this.#first(jobId, newest)), () => !this.#signal.aborted && !records.has(jobId));
    }
    known.clientAddrs = announcement.addrs;
    const { state } = replay(known.events) ?? { state: 'Open' };
    if (state !== 'Open' && state !== 'Widening') return deliveries.commitment(known);
    if (known.bid.round === (state === 'Open' ? 0 : 1)) return this.#deliver(known);
    // What kept this node from a bid for newcomers may be over.
    if (known.finished === 'passed-over') delete known.finished;
    this.#drive(jobId);
  }

  /** Bids for a seat among the newcomers of a widened job. */
  again(record: ReplicaRecord): Promise<void> {
    const { jobId, request, spec, clientAddrs, bid: { round } } = record;
    if (this.#reachWait.has(jobId)) return Promise.resolve();
    const announcement = { request, spec: new TextEncoder().encode(spec), addrs: clientAddrs };
    return this.#considerations.add(jobId, announcement, () => this.#safely(jobId, async () => {
      const { bid, reason, reachedAt } = await this.#decide(announcement, 1);
      if (reachedAt !== undefined) return this.#reachWait.add(jobId, reachedAt, () => this.#drive(jobId));
      if (bid === undefined) {
        this.#components.log('info', 'no bid', { jobId, reason });
        // It asks nothing more of this node.
        record.finished = 'passed-over';
        return this.#components.journal.put(jobId, record);
      }
      record.bid = bid;
      delete record.bidding;
      await this.#components.journal.put(jobId, record);
      this.#components.log('info', 'bid', { jobId, price: bid.price.toString(), round: 1 });
      await this.#deliver(record);
    }), () => record.bid.round === round && record.finished === undefined);
  }

  /** A job takes bids: where nobody announces it here, the peers are asked. */
  seen(jobId: Hex): Promise<void> {
    return this.#missed.follow(jobId);
  }

  #hear(jobId: Hex): void {
    this.#heard.add(jobId);
    if (this.#heard.size > MAX_HEARD_JOBS) this.#heard.delete(this.#heard.keys().next().value!);
  }

  async #first(jobId: Hex, announcement: Announcement): Promise<void> {
    const { early, records, journal, log } = this.#components;
    const guess = early.isWidening(jobId) ? 1 : 0;
    // Nearly always the guess is right: asked at once, chain and data cost one round trip.
    const [read, first] = await Promise.all([early.historyOf(jobId, this.#signal), this.#decide(announcement, guess)]);
    const round = roundOf(early.amended(jobId, read));
    const { bid, reason, spec, reachedAt } = round === undefined || round === guess ? first : await this.#decide(announcement, round);
    if (reachedAt !== undefined) this.#reachWait.add(jobId, reachedAt, () => void this.consider(announcement));
    // A bid that waited for a seed may be late.
    const events = early.amended(jobId, read);
    const refused = bid === undefined ? reason : roundOf(events) === bid.round ? undefined : `the job is ${replay(events)?.state}`;
    if (bid === undefined || refused !== undefined) return log('info', 'no bid', { jobId, reason: refused });
    const record: ReplicaRecord = {
      jobId, request: announcement.request, spec: new TextDecoder().decode(encodeSpec(spec)), clientAddrs: announcement.addrs, bid, events, attempts: 0,
    };
    early.forget(jobId);
    records.set(jobId, record);
    await journal.put(jobId, record);
    log('info', 'bid', { jobId, price: bid.price.toString(), locality: bid.locality });
    await this.#deliver(record);
  }

  async #deliver(record: ReplicaRecord): Promise<void> {
    const taken = await this.#components.deliveries.bid(record);
    if (record.bidding !== 'posted') record.bidding = taken ? 'acknowledged' : 'unacknowledged';
    this.#drive(record.jobId);
  }

  #decide(announcement: Announcement, round: number): ReturnType<typeof considerJob> {
    const pending = [...this.#components.records.values()].filter(({ finished }) => finished === undefined).length;
    return considerJob(this.#components, this.#init, announcement, { pending, round }, this.#signal);
  }

  async #safely(jobId: Hex, work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      if (!this.#signal.aborted) this.#components.log('warn', 'announcement dropped', { jobId, reason: messageOf(error) });
    }
  }
}

/** Which draw takes bids in the state that events lead to, before the submit the first one; undefined if none does. */
function roundOf(events: readonly JobEvent[]): number | undefined {
  const { state } = replay(events) ?? { state: 'Open' };
  return state === 'Open' ? 0 : state === 'Widening' ? 1 : undefined;
}
