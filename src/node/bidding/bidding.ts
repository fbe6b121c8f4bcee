import type { Hex } from 'viem';
import { announcementProtocol, request } from '../../network/index.ts';
import { encodeSpec, jobIdOf, messageOf, replay, type Announcement, type JobEvent } from '../../protocol/index.ts';
import { considerJob } from './bidder.ts';
import { ReachWait } from './reach-wait.ts';
import type { NodeComponents, NodeInit } from '../components.ts';
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
  readonly #considering = new Set<Hex>();
  readonly #reachWait = new ReachWait();

  /** @param drive called when there may be something to do for a job */
  constructor(components: BiddingComponents, init: NodeInit, drive: (jobId: Hex) => void, signal: AbortSignal) {
    this.#components = components;
    this.#init = init;
    this.#drive = drive;
    this.#signal = signal;
  }

  /** The chain's newest block is of this time, unix seconds. */
  onTime(timestamp: number): void {
    if (!this.#signal.aborted) this.#reachWait.onTime(timestamp);
  }

  /** A job was announced. */
  async consider(announcement: Announcement): Promise<void> {
    const { court, records, deliveries } = this.#components;
    const jobId = jobIdOf(court, announcement.request);
    const known = records.get(jobId);
    if (known === undefined) return this.#once(jobId, () => this.#first(jobId, announcement));
    known.clientAddrs = announcement.addrs;
    const { state } = replay(known.events) ?? { state: 'Open' };
    if (state !== 'Open' && state !== 'Widening') return deliveries.commitment(known);
    if (known.bid.round === (state === 'Open' ? 0 : 1)) await this.#deliver(known);
    else this.#drive(jobId);
  }

  /** Bids for a seat among the newcomers of a widened job. */
  again(record: ReplicaRecord): Promise<void> {
    const { jobId, request, spec, clientAddrs } = record;
    if (this.#reachWait.has(jobId)) return Promise.resolve();
    return this.#once(jobId, async () => {
      const { bid, reason, reachedAt } = await this.#decide({ request, spec: new TextEncoder().encode(spec), addrs: clientAddrs }, 1);
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
    });
  }

  /** Gossip is best effort: a job seen on chain but not announced here is asked of the peers. */
  async askPeers(jobId: Hex): Promise<void> {
    const { host, records, early, court } = this.#components;
    for (const peer of host.getPeers()) {
      if (records.has(jobId) || !early.has(jobId) || this.#signal.aborted) return;
      const answer = await request(host, peer, announcementProtocol, { jobId }, { signal: this.#signal }).catch(() => undefined);
      if (answer?.found && jobIdOf(court, answer.announcement.request) === jobId) await this.consider(answer.announcement);
    }
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

  async #once(jobId: Hex, work: () => Promise<void>): Promise<void> {
    if (this.#considering.has(jobId)) return;
    this.#considering.add(jobId);
    try {
      await work();
    } catch (error) {
      if (!this.#signal.aborted) this.#components.log('warn', 'announcement dropped', { jobId, reason: messageOf(error) });
    } finally {
      this.#considering.delete(jobId);
    }
  }
}

/** Which draw takes bids in the state that events lead to, before the submit the first one; undefined if none does. */
function roundOf(events: readonly JobEvent[]): number | undefined {
  const { state } = replay(events) ?? { state: 'Open' };
  return state === 'Open' ? 0 : state === 'Widening' ? 1 : undefined;
}
