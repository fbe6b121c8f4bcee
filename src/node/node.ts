import type { Hex } from 'viem';
import { isJobEvent, readJob, readJobEvents, type ChainEvent } from '../chain/index.ts';
import { announcementProtocol, bidProtocol, commitmentProtocol, request, type JobGossip, type Protocol } from '../network/index.ts';
import {
  amend, encodeSpec, isError, isFinal, jobIdOf, messageOf, parseCid, replay, type Announcement, type JobEvent, type JobState, type Startable,
} from '../protocol/index.ts';
import { considerJob } from './bidder.ts';
import { takeChainStep } from './chain-step.ts';
import { overruled } from './commitment-set.ts';
import type { NodeComponents, NodeInit } from './components.ts';
import { ANNOUNCEMENT_GRACE_MS, DELIVERY_ATTEMPTS, DELIVERY_RETRY_MS, MAX_DELIVERIES, MAX_SEED_DELAY_BLOCKS, TICK_MS } from './constants.ts';
import { createLimit } from './limit.ts';
import { nextNodeAction } from './next-action.ts';
import { MAX_ATTEMPTS, type ReplicaRecord } from './replica-record.ts';
import { failureOf, ReplicaRunner } from './replica-runner.ts';
import { serveClient } from './serve-client.ts';
import { countProgress } from './shards/count-progress.ts';

/**
 * A compute node: bids for jobs it can run, runs the replicas it is drawn for, commits, hands over evidence, and defends itself.
 *
 * Start: engines swept, journal read, client protocols served, gossip joined. Whoever watches the chain tells it by `onChainEvent` and
 * `onHead`. Stop is the reverse; running replicas end and are run again after the next start if there is time.
 */
export class Node implements Startable {
  readonly #components: NodeComponents & { gossip: JobGossip };
  readonly #init: NodeInit;
  readonly #runner: ReplicaRunner;
  readonly #records = new Map<Hex, ReplicaRecord>();
  /** Jobs being driven; `true` when something changed meanwhile and the drive must look again. */
  readonly #driving = new Map<Hex, boolean>();
  readonly #considering = new Set<Hex>();
  readonly #delivery = createLimit(MAX_DELIVERIES);
  readonly #stopping = new AbortController();
  #now = 0;
  #stopServing: (() => Promise<void>) | undefined;
  #tick: NodeJS.Timeout | undefined;

  constructor(components: NodeComponents & { gossip: JobGossip }, init: NodeInit) {
    this.#components = components;
    this.#init = init;
    this.#runner = new ReplicaRunner(components, init);
  }

  get records(): ReadonlyMap<Hex, ReplicaRecord> {
    return this.#records;
  }

  get load(): { running: number; waiting: number } {
    return this.#runner.load;
  }

  async start(): Promise<void> {
    const { engines, journal, gossip, log } = this.#components;
    const { signal } = this.#stopping;
    for (const engine of engines) await engine.sweep({ signal });
    for (const { record } of await journal.all()) this.#records.set(record.jobId, record);
    this.#stopServing = await serveClient(
      { ...this.#components, runner: this.#runner, find: (jobId) => this.#records.get(jobId) }, this.#init,
    );
    gossip.subscribe((announcement) => void this.#consider(announcement), { signal });
    this.#tick = setInterval(() => this.#driveAll(), TICK_MS);
    this.#driveAll();
    log('info', 'node started', { address: this.#init.address, jobs: this.#records.size });
  }

  async stop(): Promise<void> {
    clearInterval(this.#tick);
    this.#stopping.abort(new Error('the node is stopping'));
    await this.#stopServing?.();
    await this.#runner.abortAll('the node is stopping');
  }

  /** Bids for an announced job, once; a client that announces again (it restarted, or missed the bid) gets the same bid again. */
  async #consider(announcement: Announcement): Promise<void> {
    const { court, log } = this.#components;
    const jobId = jobIdOf(court, announcement.request);
    const known = this.#records.get(jobId);
    if (known !== undefined) {
      known.clientAddrs = announcement.addrs;
      if (replay(known.events)?.state !== undefined && replay(known.events)?.state !== 'Open') return this.#redeliver(known);
      await this.#deliver(known, bidProtocol, { bid: known.bid, addrs: this.#addrs() }, 'bid');
      return;
    }
    if (this.#considering.has(jobId)) return;
    this.#considering.add(jobId);
    try {
      const pending = [...this.#records.values()].filter(({ finished }) => finished === undefined).length;
      const { bid, reason, spec } = await considerJob(this.#components, this.#init, announcement, pending, this.#stopping.signal);
      if (bid === undefined) {
        log('info', 'no bid', { jobId, reason });
        return;
      }
      const events = await this.#history(jobId);
      const state = replay(events)?.state ?? 'Open';
      if (state !== 'Open') {
        log('info', 'no bid', { jobId, reason: `the job is ${state}` });
        return;
      }
      const record: ReplicaRecord = {
        jobId, request: announcement.request, spec: new TextDecoder().decode(encodeSpec(spec)), clientAddrs: announcement.addrs,
        bid, events, attempts: 0,
      };
      this.#early.delete(jobId);
      this.#records.set(jobId, record);
      await this.#save(record);
      log('info', 'bid', { jobId, price: bid.price.toString(), locality: bid.locality });
      await this.#deliver(record, bidProtocol, { bid, addrs: this.#addrs() }, 'bid');
      void this.#drive(jobId);
    } catch (error) {
      if (!this.#stopping.signal.aborted) log('warn', 'announcement dropped', { jobId, reason: messageOf(error) });
    } finally {
      this.#considering.delete(jobId);
    }
  }

  /** What the chain said of a job before this node took it up: noted as it came or, where the node was down then, read back. */
  async #history(jobId: Hex): Promise<JobEvent[]> {
    const { chain } = this.#components;
    const { signal } = this.#stopping;
    const noted = () => this.#early.get(jobId) ?? [];
    let read: JobEvent[] = [];
    if (noted()[0]?.type !== 'Submitted') {
      const { state, seedBlock } = await readJob(chain, jobId, { signal });
      // The submit is at most so many blocks before its seed.
      const fromBlock = seedBlock > MAX_SEED_DELAY_BLOCKS ? seedBlock - MAX_SEED_DELAY_BLOCKS : 0n;
      if (state !== 'None') read = await readJobEvents(chain, { jobId, fromBlock }, { signal });
    }
    return noted().reduce((known, event) => amend(known, event, false), read);
  }

  /** Chain events of jobs not (yet) bid for: the bid may come a moment later, and its job's history must be whole. */
  readonly #early = new Map<Hex, JobEvent[]>();

  /** The chain's newest block: deadlines are told by its time, not by this machine's. */
  onHead({ timestamp }: { timestamp: number }): void {
    this.#now = timestamp;
  }

  /** The chain said something, or took it back. */
  async onChainEvent(event: ChainEvent, removed = false): Promise<void> {
    if (!isJobEvent(event)) return;
    const { jobId } = event;
    const record = this.#records.get(jobId);
    if (record === undefined) {
      if (!removed) this.#noteEarly(event);
      return;
    }
    record.events = amend(record.events, event, removed);
    // What the chain said can be had from the chain again.
    await this.#components.journal.put(record.jobId, record, { durable: false });
    void this.#drive(jobId);
  }

  #noteEarly(event: JobEvent): void {
    const { jobId } = event;
    this.#early.set(jobId, [...(this.#early.get(jobId) ?? []), event]);
    // Oldest first out: a job nobody announced to us for so long is not coming.
    if (this.#early.size > 10_000) this.#early.delete(this.#early.keys().next().value!);
    if (event.type === 'Submitted') {
      setTimeout(() => void this.#askPeers(jobId), ANNOUNCEMENT_GRACE_MS).unref();
    }
  }

  /** Gossip is best effort: a job seen on chain but not announced here is asked of the peers. */
  async #askPeers(jobId: Hex): Promise<void> {
    const { host } = this.#components;
    for (const peer of host.getPeers()) {
      if (this.#records.has(jobId) || !this.#early.has(jobId) || this.#stopping.signal.aborted) return;
      const answer = await request(host, peer, announcementProtocol, { jobId }, { signal: this.#stopping.signal }).catch(() => undefined);
      if (answer?.found && jobIdOf(this.#components.court, answer.announcement.request) === jobId) {
        await this.#consider(answer.announcement);
      }
    }
  }

  #driveAll(): void {
    for (const [jobId, record] of this.#records) if (record.finished === undefined) void this.#drive(jobId);
  }

  /** Does what is next for a job until there is nothing to do now. One drive per job at a time. */
  async #drive(jobId: Hex): Promise<void> {
    if (this.#driving.has(jobId)) {
      this.#driving.set(jobId, true);
      return;
    }
    this.#driving.set(jobId, false);
    try {
      do {
        this.#driving.set(jobId, false);
        await this.#step(this.#records.get(jobId)!);
      } while (this.#driving.get(jobId));
    } catch (error) {
      // Somebody else may have taken the step first, or the chain is away: the next event or tick looks again.
      if (!this.#stopping.signal.aborted) {
        this.#components.log('warn', 'step failed', { jobId, code: isError(error) ? error.code : undefined, reason: messageOf(error) });
      }
    } finally {
      this.#driving.delete(jobId);
    }
  }

  async #step(record: ReplicaRecord): Promise<void> {
    const job = replay(record.events);
    if (job === undefined || record.finished !== undefined) return;
    const seat = this.#seatIn(job);
    const local = {
      seat, ready: record.outcome !== undefined || record.failure !== undefined, contests: this.#init.contests,
      closed: record.set?.signatures !== undefined, overruled: 'roster' in job && overruled(job.roster, record.set),
    };
    const action = nextNodeAction(job, local, this.#now);
    switch (action) {
      case 'wait': return;
      case 'run': return this.#run(record);
      case 'finish': return this.#finish(record, job, seat);
      default:
        this.#components.log('info', 'chain step', { jobId: record.jobId, action });
        await takeChainStep({ ...this.#components, runner: this.#runner }, action, record, job, seat, this.#stopping.signal);
    }
  }

  async #run(record: ReplicaRecord): Promise<void> {
    const { jobId } = record;
    if (this.#runner.isRunning(jobId)) return;
    await countProgress(record, this.#runner);
    if (record.attempts >= MAX_ATTEMPTS) {
      record.failure = `gave up after ${record.attempts} attempts`;
      return this.#save(record);
    }
    record.attempts++;
    await this.#save(record);
    // Not awaited: a run takes minutes, and the drive must stay free for events. Its end drives the job again.
    void this.#runner.run(record).then(
      async (outcome) => {
        record.outcome = outcome;
        await this.#save(record);
        await this.#redeliver(record);
      },
      async (error: unknown) => {
        if (this.#stopping.signal.aborted) return;
        record.failure = failureOf(error);
        await this.#save(record);
        this.#components.log('error', 'replica failed', { jobId, reason: record.failure });
      },
    ).then(() => this.#drive(jobId));
  }

  async #finish(record: ReplicaRecord, job: JobState, seat: number): Promise<void> {
    await this.#runner.abort(record.jobId, `the job is ${job.state}`);
    record.finished = job.state === 'Settled' ? (seat < 0 ? 'passed-over' : 'settled')
      : job.state === 'Cancelled' ? 'cancelled' : job.state === 'Expired' ? 'expired' : seat < 0 ? 'passed-over' : 'given-up';
    await this.#save(record);
    if (record.outcome !== undefined) {
      await this.#components.storage.keepUntil(parseCid(record.outcome.resultCid), Date.now() + this.#init.keepResultsMs);
    }
    if (seat < 0 || !isFinal(job) || job.state !== 'Settled') await this.#runner.forget(record.jobId);
    this.#components.log('info', 'job over', { jobId: record.jobId, state: job.state, finished: record.finished });
  }

  async #redeliver(record: ReplicaRecord): Promise<void> {
    if (record.outcome === undefined) return;
    const { commitment, signature } = record.outcome;
    await this.#deliver(record, commitmentProtocol, { jobId: record.jobId, node: this.#init.address, commitment, signature }, 'commitment');
  }

  /** Hands the client a statement; when the client cannot be reached the chain is the way, later. */
  async #deliver<Req>(record: ReplicaRecord, protocol: Protocol<Req, { ok: boolean; reason?: string | undefined }>, message: Req, what: string): Promise<void> {
    const { host, log } = this.#components;
    const { signal } = this.#stopping;
    for (let attempt = 1; !signal.aborted; attempt++) {
      try {
        const answer = await this.#delivery(() => request(host, record.clientAddrs, protocol, message, { signal }));
        if (!answer.ok) log('info', `${what} declined`, { jobId: record.jobId, reason: answer.reason });
        return;
      } catch (error) {
        if (attempt >= DELIVERY_ATTEMPTS) {
          log('warn', `${what} not delivered`, { jobId: record.jobId, reason: messageOf(error) });
          return;
        }
        await new Promise((resolve) => setTimeout(resolve, DELIVERY_RETRY_MS));
      }
    }
  }

  #seatIn(job: JobState): number {
    const own = this.#init.address.toLowerCase();
    return 'roster' in job ? job.roster.findIndex(({ node }) => node.toLowerCase() === own) : -1;
  }

  #addrs(): string[] {
    return this.#components.host.getMultiaddrs().map(String).slice(0, 16);
  }

  #save(record: ReplicaRecord): Promise<void> {
    return this.#components.journal.put(record.jobId, record);
  }
}
