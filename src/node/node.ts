import type { Hex } from 'viem';
import { isJobEvent, type ChainEvent } from '../chain/index.ts';
import type { JobGossip } from '../network/index.ts';
import { amend, isError, isFinal, messageOf, parseCid, replay, type JobState, type Startable } from '../protocol/index.ts';
import { Bidding } from './bidding/bidding.ts';
import { takeChainStep } from './court/chain-step.ts';
import { Contradictions } from './court/contradictions.ts';
import type { NodeComponents, NodeInit } from './components.ts';
import { TICK_MS } from './constants.ts';
import { Deliveries } from './serving/deliveries.ts';
import { EarlyEvents } from './court/early-events.ts';
import { localReplica } from './court/local-replica.ts';
import { nextNodeAction } from './court/next-action.ts';
import { MAX_ATTEMPTS, type ReplicaRecord } from './replica-record.ts';
import { failureOf, ReplicaRunner } from './running/replica-runner.ts';
import { forgetOld } from './serving/forget-old.ts';
import { serveClient } from './serving/serve-client.ts';
import { countProgress } from './running/count-progress.ts';

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
  /** What is still to be done about runs that have ended. */
  readonly #endings = new Set<Promise<void>>();
  readonly #contradictions: Contradictions;
  readonly #stopping = new AbortController();
  readonly #early: EarlyEvents;
  readonly #deliveries: Deliveries;
  readonly #bidding: Bidding;
  #head = { number: 0n, timestamp: 0 };
  #stopServing: (() => Promise<void>) | undefined;
  #tick: NodeJS.Timeout | undefined;

  constructor(components: NodeComponents & { gossip: JobGossip }, init: NodeInit) {
    this.#components = components;
    this.#init = init;
    this.#runner = new ReplicaRunner(components, init);
    this.#contradictions = new Contradictions(components);
    this.#early = new EarlyEvents(components.chain);
    this.#deliveries = new Deliveries(components, init.address, this.#stopping.signal);
    this.#bidding = new Bidding(
      { ...components, deliveries: this.#deliveries, early: this.#early, records: this.#records }, init, (jobId) => void this.#drive(jobId), this.#stopping.signal,
    );
  }

  get records(): ReadonlyMap<Hex, ReplicaRecord> {
    return this.#records;
  }

  /** The chain's newest block; its time is in unix seconds, 0 before the first. */
  get head(): { number: bigint; timestamp: number } {
    return this.#head;
  }

  get load(): { running: number; waiting: number } {
    return this.#runner.load;
  }

  /** What it runs now. */
  get live(): ReplicaRunner['live'] {
    return this.#runner.live;
  }

  async start(): Promise<void> {
    const { engines, journal, gossip, log } = this.#components;
    const { signal } = this.#stopping;
    for (const engine of engines) await engine.sweep({ signal });
    for (const { record } of await journal.all()) this.#records.set(record.jobId, record);
    this.#stopServing = await serveClient(
      { ...this.#components, runner: this.#runner, find: (jobId) => this.#records.get(jobId) }, this.#init,
    );
    gossip.subscribe((announcement) => void this.#bidding.consider(announcement), { signal });
    this.#tick = setInterval(() => this.#driveAll(), TICK_MS);
    this.#driveAll();
    log('info', 'node started', { address: this.#init.address, jobs: this.#records.size });
  }

  async stop(): Promise<void> {
    clearInterval(this.#tick);
    this.#stopping.abort(new Error('the node is stopping'));
    try {
      await this.#stopServing?.();
    } finally {
      await this.#runner.stop('the node is stopping');
      await Promise.all(this.#endings);
    }
  }

  /** The chain's newest block: deadlines are told by its time, not by this machine's. */
  onHead(head: { number: bigint; timestamp: number }): void {
    this.#head = head;
    this.#bidding.onTime(head.timestamp);
  }

  /** The chain said something, or took it back. */
  async onChainEvent(event: ChainEvent, removed = false): Promise<void> {
    if (!isJobEvent(event)) return;
    const { jobId } = event;
    const record = this.#records.get(jobId);
    if (record === undefined) {
      this.#early.note(event, removed);
      if (event.type === 'Submitted' || event.type === 'WideningCalled') void this.#bidding.seen(jobId);
      return;
    }
    record.events = amend(record.events, event, removed);
    // Who was passed over may win a seat among the newcomers.
    if (event.type === 'WideningCalled' && record.finished === 'passed-over') delete record.finished;
    // What the chain said can be had from the chain again.
    await this.#components.journal.put(record.jobId, record, { durable: false });
    void this.#drive(jobId);
  }

  /** Drops the evidence of jobs that have been over for as long as results are kept. @returns of how many */
  forgetOld(): Promise<number> {
    return forgetOld(this.#records.values(), { keepMs: this.#init.keepResultsMs, nowMs: Date.now(), forget: (jobId) => this.#runner.forget(jobId), save: (record) => this.#save(record) });
  }

  #driveAll(): void {
    for (const [jobId, record] of this.#records) if (record.finished === undefined) void this.#drive(jobId);
  }

  /** Does what is next for a job until there is nothing to do now. One drive per job at a time. */
  async #drive(jobId: Hex): Promise<void> {
    // The end of a run drives its job on: that of one which was ended by the stop would start it again.
    if (this.#stopping.signal.aborted) return;
    if (this.#driving.has(jobId)) {
      this.#driving.set(jobId, true);
      return;
    }
    this.#driving.set(jobId, false);
    try {
      do {
        this.#driving.set(jobId, false);
        await this.#step(this.#records.get(jobId)!);
      } while (this.#driving.get(jobId) && !this.#stopping.signal.aborted);
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
    const { signal } = this.#stopping;
    const local = localReplica(record, job, this.#init, await this.#contradictions.look(record, job, signal), this.#head.timestamp);
    const action = nextNodeAction(job, local, this.#head.timestamp, this.#head.number);
    switch (action) {
      case 'wait': return;
      case 'run': return this.#run(record);
      case 'finish': return this.#finish(record, job, local.seat);
      case 'bid-again':
        // Not awaited: a bid may wait for a seed, and events must not wait for the bid.
        void this.#bidding.again(record);
        return;
      default: {
        const { jobId } = record;
        this.#components.log('info', 'chain step', { jobId, action });
        const subject = { record, job, seat: local.seat, equivocations: this.#contradictions.of(jobId) };
        await takeChainStep({ ...this.#components, runner: this.#runner }, action, subject, signal);
      }
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
    const ending = this.#runner.run(record).then(
      async (outcome) => {
        record.outcome = outcome;
        await this.#save(record);
        await this.#deliveries.commitment(record);
      },
      async (error: unknown) => {
        // A run that this node ended itself did not take it down: it has its attempt again after the next start.
        if (this.#stopping.signal.aborted) record.attempts--;
        else record.failure = failureOf(error);
        await this.#save(record);
        if (record.failure === undefined) return;
        this.#components.log('error', 'replica failed', { jobId, reason: record.failure });
      },
    ).then(() => this.#drive(jobId)).catch((error: unknown) => this.#components.log('error', 'a run could not be put away', { jobId, reason: messageOf(error) }));
    this.#endings.add(ending);
    void ending.finally(() => this.#endings.delete(ending));
  }

  async #finish(record: ReplicaRecord, job: JobState, seat: number): Promise<void> {
    await this.#runner.abort(record.jobId, `the job is ${job.state}`);
    this.#contradictions.forget(record.jobId);
    record.finished = job.state === 'Settled' ? (seat < 0 ? 'passed-over' : 'settled')
      : job.state === 'Cancelled' ? 'cancelled' : job.state === 'Expired' ? 'expired' : seat < 0 ? 'passed-over' : 'given-up';
    record.finishedAt = Date.now();
    await this.#save(record);
    if (record.outcome !== undefined) {
      const { resultCid, encryptedResultCid = resultCid } = record.outcome;
      await this.#components.storage.keepUntil(parseCid(encryptedResultCid), Date.now() + this.#init.keepResultsMs);
    }
    if (seat < 0 || !isFinal(job) || job.state !== 'Settled') await this.#runner.forget(record.jobId);
    this.#components.log('info', 'job over', { jobId: record.jobId, state: job.state, finished: record.finished });
  }

  #save(record: ReplicaRecord): Promise<void> {
    return this.#components.journal.put(record.jobId, record);
  }
}
