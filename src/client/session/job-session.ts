import { isJobEvent, type WriteResult } from '../../chain/index.ts';
import {
  amend, decodeSpec, isError, isFinal, messageOf, replay,
  type Announcement, type BidMessage, type CommitmentMessage, type JobEvent, type JobState, type SealedSeat,
} from '../../protocol/index.ts';
import { Announcer } from './announcer.ts';
import { closedJob } from './closing/commitments.ts';
import { addrsOf } from '../book/addrs-of.ts';
import type { ClientComponents, Progress } from '../components.ts';
import type { JobRecord } from '../book/job-record.ts';
import { nextClientAction, type ClientAction, type LocalJob } from './next-action.ts';
import { atHand } from './at-hand.ts';
import { BidBook } from './draw/bid-book.ts';
import { carry } from './carry.ts';
import { CommitmentBook } from './closing/commitment-book.ts';
import type { Head, SessionContext } from './context.ts';
import { DirectWay } from './closing/direct-way.ts';
import { DrawOutlook } from './draw/draw-outlook.ts';
import { Driver } from './driver.ts';
import { Examination } from './examination.ts';
import { Guilt } from './guilt.ts';
import { RecordWriter } from './record-writer.ts';
import { SeedWait } from './draw/seed-wait.ts';
import { tellEvent, tellState } from './tell.ts';
import type { Standings } from './standings.ts';

export type { Head } from './context.ts';

export interface SessionInit {
  bidWaitMs: number;
  standings: Standings;
  onProgress: (progress: Progress) => void;
  /** Let the chain close commitments, though the nodes would sign the set: a message more. */
  closeOnChain?: boolean;
  /** The chain's newest block. */
  head: () => Head;
}

/** Errors that no waiting mends: the account has not what the job costs, or the contract would never take its terms. */
const HOPELESS = ['INSUFFICIENT_FUNDS', 'ALLOWANCE_TOO_LOW', 'COIN_BALANCE_TOO_LOW', 'GAS_FUNDS_TOO_LOW', 'BAD_REQUEST', 'AMOUNT_TOO_LARGE', 'CLIENT_FUNDS'] as const;

/**
 * Carries one job from its request to its end: looks what is next (`nextClientAction`) whenever something changed, and does it. What it
 * knows is in the parts of `session/`: bids, commitments, evidence, proofs of guilt.
 */
export class JobSession {
  readonly record: JobRecord;
  /** Resolves when the job is final. */
  readonly done: Promise<void>;
  readonly #init: SessionInit;
  readonly #context: SessionContext;
  /** An earlier process began the job: nodes must learn where the client is now, to hand it what they have. */
  readonly #resumed: boolean;
  readonly #controller = new AbortController();
  readonly #driver: Driver;
  readonly #writer: RecordWriter;
  readonly #announcer: Announcer;
  readonly #bids: BidBook;
  readonly #commitments: CommitmentBook;
  readonly #examination: Examination;
  readonly #guilt: Guilt;
  readonly #seedWait: SeedWait;
  readonly #outlook: DrawOutlook;
  readonly #direct: DirectWay;
  /** Whether a panel is called where the opened sketches do not decide. */
  #panels: boolean;
  #replayed: { events: readonly JobEvent[]; job: JobState | undefined } | undefined;
  #finish!: () => void;
  #fail!: (error: unknown) => void;

  constructor(components: ClientComponents, record: JobRecord, init: SessionInit) {
    this.record = record;
    this.#init = init;
    this.#resumed = record.events.length > 0;
    this.#driver = new Driver({ step: () => this.#step(), onFailure: (error) => this.#failed(error), signal: this.#controller.signal });
    this.#writer = new RecordWriter(components.journal, record);
    this.#announcer = new Announcer(components, record);
    this.#panels = decodeSpec(Buffer.from(record.spec)).verification.panel ?? true;
    this.done = new Promise((resolvePromise, reject) => { this.#finish = resolvePromise; this.#fail = reject; });
    this.done.catch(() => {});
    this.#context = {
      components, record, standings: init.standings, signal: this.#controller.signal, bidWaitMs: init.bidWaitMs,
      job: () => this.job, head: init.head, progress: init.onProgress, poke: () => this.poke(),
      mark: (stage) => { record.timingsMs[stage] ??= Date.now() - record.createdAt; },
      save: () => this.#writer.save(), saveSoon: () => this.#writer.saveSoon(),
    };
    this.#commitments = new CommitmentBook(this.#context);
    this.#examination = new Examination(this.#context);
    this.#guilt = new Guilt(this.#context);
    this.#seedWait = new SeedWait(this.#context);
    this.#outlook = new DrawOutlook(this.#context);
    this.#direct = new DirectWay(this.#context, init.closeOnChain ?? false);
    this.#bids = new BidBook(this.#context, this.#guilt.claims);
    // What the chain did before this session began.
    if (this.job !== undefined && 'roster' in this.job) this.#bids.noteDrawn(this.job.roster);
  }

  get job(): JobState | undefined {
    const { events } = this.record;
    // Looked at many times between two events.
    if (this.#replayed?.events !== events) this.#replayed = { events, job: replay(events) };
    return this.#replayed.job;
  }

  /** The evidence opened so far, by seat. */
  get exhibits(): Examination['exhibits'] {
    return this.#examination.exhibits;
  }

  stop(reason: unknown): void {
    this.#controller.abort(reason);
    this.#writer.flush();
    this.#fail(reason);
  }

  /** What a node that missed the announcement is told; undefined once nobody is asked to bid any more. */
  announcement(): Announcement | undefined {
    const { state } = this.job ?? { state: 'Open' };
    return state === 'Open' || state === 'Widening' ? this.#announcer.announcement : undefined;
  }

  /** A bid arrived. @returns why it is declined, or undefined */
  onBid(message: BidMessage): Promise<string | undefined> {
    return this.#bids.receive(message);
  }

  /** A commitment arrived, from a peer. @returns why it is declined, or undefined */
  onCommitment(message: CommitmentMessage, peer: string): Promise<string | undefined> {
    return this.#commitments.receive(message, peer);
  }

  /** The chain said something about the job; `removed` when a reorganisation took it back. */
  onEvent(event: JobEvent, removed: boolean): void {
    const before = this.job;
    const known = this.record.events.length;
    this.record.events = amend(this.record.events, event, removed);
    const { job } = this;
    // Our own messages are noted when they are mined, and told by the watcher once more.
    if (this.record.events.length === known && !removed) return;
    // All may have been done and written down: a reorganisation gives it something to do.
    if (removed) this.#driver.wake();
    if (job !== undefined && job.state !== before?.state) this.#entered(job);
    if (job !== undefined && 'roster' in job) this.#bids.noteDrawn(job.roster);
    if (job !== undefined && !removed) tellEvent(event, job, this.#context);
    if (event.type === 'Widened' && !removed) this.#examination.restart();
    this.#writer.saveSoon();
    this.poke();
  }

  #entered(job: JobState): void {
    if (job.state === 'Widening') this.#announcer.restart();
    if (isFinal(job)) this.#context.mark('settled');
    tellState(job, this.#context);
  }

  /** Resolves at the next change of what is known about the job. */
  changed(): Promise<void> {
    return this.#driver.changed();
  }

  /** Looks whether there is something to do, and does it. One at a time; callers need not wait. */
  poke(): void {
    this.#driver.poke();
  }

  #failed(error: unknown): 'again' | 'never' {
    // Who has not the coin for a check may yet get it: the job is there, and nobody else ends it well.
    if ((isError(error, ...HOPELESS) && this.job?.state !== 'Committed') || isError(error, 'NO_SCRATCH')) {
      this.#fail(error);
      this.#controller.abort(error);
      return 'never';
    }
    // The chain may be away, or a node may have taken the step first: look again after a pause.
    this.#init.onProgress({ stage: 'problem', message: messageOf(error) });
    return 'again';
  }

  async #step(): Promise<void> {
    const { job } = this;
    await this.#guilt.look(job);
    const { timestamp, number } = this.#init.head();
    const action = nextClientAction(job, this.#local(job), timestamp, number);
    switch (action) {
      case 'wait': return this.#waiting(job);
      case 'close': return this.#direct.close(job !== undefined && 'roster' in job ? job.roster : []);
      case 'examine': return this.#examine(job!);
      case 'done': return this.#end(job!);
      default: return this.#carry(action, job);
    }
  }

  #local(job: JobState | undefined): LocalJob {
    return atHand(this.#context, job, {
      bids: this.#bids, examination: this.#examination, guilt: this.#guilt, directOver: this.#direct.over, panels: this.#panels, hopeless: this.#outlook.isHopeless(job),
      bidWaitOver: this.#announcer.ageMs >= this.#init.bidWaitMs && this.#seedWait.isOver(job),
    });
  }

  async #examine(job: JobState): Promise<void> {
    const closed = closedJob(this.record, job);
    this.#examination.ask(closed, job.state === 'Assigned' ? () => this.#direct.giveUp() : undefined);
    // Nodes that only the chain told of answer an announcement with their commitments, and so say where they listen.
    if (closed.roster.some(({ node }) => addrsOf(this.record, node).length === 0)) await this.#announce();
  }

  async #waiting(job: JobState | undefined): Promise<void> {
    this.#bids.noteFew(this.#announcer.ageMs);
    if (job?.state === 'Open' || job?.state === 'Widening' || (job?.state === 'Assigned' && this.#resumed)) await this.#announce();
  }

  async #announce(): Promise<void> {
    if (await this.#announcer.announce(this.#controller.signal)) setTimeout(() => this.poke(), this.#init.bidWaitMs).unref();
  }

  async #carry(action: Exclude<ClientAction, 'wait' | 'close' | 'examine' | 'done'>, job: JobState | undefined): Promise<void> {
    if (action === 'submit') await this.#announce();
    // Those of now, whatever comes meanwhile: who may be drawn is who was looked at.
    const bids = this.#bids.assignable();
    if (action === 'assign') {
      await this.#noteStandings('before', bids.map(({ node }) => node));
      // Where the bidders listen is nowhere else: without it a process that takes over could not ask for their evidence.
      await this.#writer.save();
    }
    const carried = await carry(this.#context, action, job, {
      bids, unposted: () => this.#bids.unposted(), noteOffered: (bids) => this.#bids.noteOffered(bids), closed: (one) => closedJob(this.record, one),
      verdict: (one) => this.#examination.verdict(one), convict: () => this.#guilt.convict(job),
    }).catch((error: unknown) => {
      if (action !== 'summon' || !isError(error, ...HOPELESS)) throw error;
      // Who cannot pay a panel must not leave the job because of it: the contract ends it without.
      this.#panels = false;
      this.#init.onProgress({ stage: 'problem', message: messageOf(error) });
      return undefined;
    });
    if (carried !== undefined) this.#took(carried.step, carried.result);
  }

  /** Books a message of ours: its gas, its time, and the events it caused, without waiting for the watcher to see them. */
  #took(step: string, result: WriteResult): void {
    this.record.gas[step] = (this.record.gas[step] ?? 0) + Number(result.gasUsed);
    this.#context.mark(step);
    if (step === 'submit') this.#init.onProgress({ stage: 'submitted', jobId: this.record.jobId });
    for (const event of result.events.filter(isJobEvent)) this.onEvent(event, false);
    this.poke();
  }

  async #end(job: JobState): Promise<void> {
    if (Object.keys(this.record.after).length === 0) {
      await this.#noteStandings('after', 'roster' in job ? job.roster.map(({ node }) => node) : []);
      await this.#writer.save();
      this.#init.onProgress({ stage: 'final', state: job.state });
    }
    this.#driver.rest();
    this.#finish();
  }

  async #noteStandings(when: 'before' | 'after', nodes: readonly SealedSeat['node'][]): Promise<void> {
    this.record[when] = await this.#init.standings.of(this.record.request.client, nodes, { signal: this.#controller.signal, fresh: when === 'after' });
  }
}
