import { isJobEvent, verifyBid, verifyCommitment, assign, commit, commitSet, expire, readParty, resolve, settle, settleDirect, submit, type WriteResult } from '../chain/index.ts';
import { setTimeout as sleep } from 'node:timers/promises';
import { keccak256, toHex, type Address } from 'viem';
import {
  amend, canonicalJson, isError, isFinal, MAX_BIDS, messageOf, openingsIn, replay, withCommitments,
  type BidMessage, type CommitmentMessage, type JobEvent, type JobState, type SealedSeat, type SignedBid,
} from '../protocol/index.ts';
import type { ClientComponents, Progress } from './components.ts';
import { Announcer } from './announcer.ts';
import { DIRECT_EVIDENCE_WAIT_MS, FEW_BIDS_AFTER_MS, STEP_RETRY_MAX_MS, STEP_RETRY_MS } from './constants.ts';
import { collectSet } from './collect-set.ts';
import { commitmentsToCarry, fullSet, heldCommitments, isOverruled } from './commitments.ts';
import { collectEvidence, type ClosedJob, type Exhibit } from './examine.ts';
import { ClientError } from './errors.ts';
import type { JobRecord } from './job-record.ts';
import { nextClientAction } from './next-action.ts';
import { readStandings } from './read-standings.ts';
import { find } from './find.ts';
import type { ShardedExhibit } from './shards/collect-shards.ts';

/** A block's number and time (unix seconds): deadlines are told by the chain's time. */
export interface Head { number: bigint; timestamp: number }

export interface SessionInit {
  bidWaitMs: number;
  onProgress: (progress: Progress) => void;
  /** Let the chain close commitments, though the nodes would sign the set: a message more. */
  closeOnChain?: boolean;
  /** The chain's newest block. */
  head: () => Head;
}

/** Errors that no waiting mends: the account has not what the job costs, or the contract would never take its terms. */
const HOPELESS = ['INSUFFICIENT_FUNDS', 'ALLOWANCE_TOO_LOW', 'COIN_BALANCE_TOO_LOW', 'GAS_FUNDS_TOO_LOW', 'BAD_REQUEST', 'AMOUNT_TOO_LARGE'] as const;

/** Carries one job from its request to its end: announces, gathers bids and commitments, examines evidence, gives the verdict. */
export class JobSession {
  readonly #components: ClientComponents;
  readonly #init: SessionInit;
  readonly record: JobRecord;
  /** An earlier process began the job: nodes must learn where the client is now, to hand it what they have. */
  readonly #resumed: boolean;
  readonly #controller = new AbortController();
  readonly #announcer: Announcer;
  readonly #exhibits = new Map<number, Exhibit | ShardedExhibit>();
  readonly #examining = new Set<number>();
  /** Why a seat's evidence is not there yet. */
  readonly #problems = new Map<number, string>();
  #retryMs = STEP_RETRY_MS;
  #driving = false;
  #again = false;
  #finish!: () => void;
  #fail!: (error: unknown) => void;
  /** Resolves when the job is final. */
  readonly done: Promise<void>;

  constructor(components: ClientComponents, record: JobRecord, init: SessionInit) {
    this.#components = components;
    this.record = record;
    this.#init = init;
    this.#resumed = record.events.length > 0;
    this.#announcer = new Announcer(components, record);
    this.#directOver = init.closeOnChain ?? false;
    this.done = new Promise((resolvePromise, reject) => { this.#finish = resolvePromise; this.#fail = reject; });
    this.done.catch(() => {});
  }

  get job(): JobState | undefined {
    return replay(this.record.events);
  }

  stop(reason: unknown): void {
    this.#controller.abort(reason);
    this.#fail(reason);
  }

  /** A bid arrived. @returns why it is declined, or undefined */
  async onBid({ bid, addrs }: BidMessage): Promise<string | undefined> {
    const { request, bids } = this.record;
    const known = () => bids.some((other) => other.bid.node.toLowerCase() === bid.node.toLowerCase());
    if (known()) return undefined;
    const job = this.job;
    if (job !== undefined && job.state !== 'Open') return `the job is ${job.state}`;
    try {
      await verifyBid(this.#components.court, bid, { jobId: this.record.jobId, maxPrice: request.maxPrice }, this.#components.chain);
      // The draw would pass it over, and bids of accounts that cost nothing would crowd out the others.
      const { free } = await readParty(this.#components.chain, bid.node, 'node', { signal: this.#controller.signal });
      if (free < request.stake) return `the node has ${free} units of free stake, ${request.stake} are needed`;
    } catch (error) {
      return messageOf(error);
    }
    // The same bid may have come twice while the first was being verified.
    if (known()) return undefined;
    bids.push({ bid, addrs });
    this.#mark('firstBid');
    this.#init.onProgress({ stage: 'bid', node: bid.node, price: bid.price, locality: bid.locality, count: bids.length });
    this.poke();
    return undefined;
  }

  /** A commitment arrived. @returns why it is declined, or undefined */
  async onCommitment({ node, ...commitment }: CommitmentMessage): Promise<string | undefined> {
    const job = this.job;
    if (job === undefined || (job.state !== 'Open' && !('roster' in job))) return 'the job is not assigned';
    // A node may see the assignment, and even end a short run, before this client has the receipt of it: then the bidders are who may commit.
    const seats = 'roster' in job ? job.roster : this.record.bids.map(({ bid }) => bid);
    const key = node.toLowerCase();
    if (this.record.commitments[key] !== undefined) return undefined;
    try {
      await verifyCommitment(this.#components.court, { node, ...commitment }, seats, this.#components.chain);
    } catch (error) {
      return messageOf(error);
    }
    this.record.commitments[key] = { commitment: commitment.commitment, signature: commitment.signature };
    await this.#save();
    this.#init.onProgress({ stage: 'commitment', node, count: Object.keys(this.record.commitments).length, of: job.request.replicas });
    this.poke();
    return undefined;
  }

  /** The chain said something about the job; `removed` when a reorganisation took it back. */
  async onEvent(event: JobEvent, removed: boolean): Promise<void> {
    const before = this.job?.state;
    this.record.events = amend(this.record.events, event, removed);
    const { job } = this;
    if (job !== undefined && job.state !== before) this.#entered(job);
    if (event.type === 'VerdictContested' && job !== undefined && 'roster' in job) {
      this.#init.onProgress({ stage: 'contested', node: job.roster[event.index]?.node ?? '' });
    }
    await this.#components.journal.put(this.record.jobId, this.record, { durable: false });
    this.poke();
  }

  #entered(job: JobState): void {
    const { onProgress } = this.#init;
    if (job.state === 'Assigned') onProgress({ stage: 'assigned', roster: job.roster });
    if (job.state === 'Committed') onProgress({ stage: 'committed' });
    // A verdict that rejects nobody is final in the same message.
    if (job.state === 'Contestable' && job.agreed !== job.committed) {
      onProgress({ stage: 'waiting', state: job.state, until: job.since + job.request.disputeWindow });
    }
    if (isFinal(job)) this.#mark('settled');
  }

  /** Resolves at the next change of what is known about the job. */
  changed(): Promise<void> {
    return new Promise((resolvePromise) => this.#watchers.push(resolvePromise));
  }

  readonly #watchers: (() => void)[] = [];

  /** Looks whether there is something to do, and does it. One at a time; callers need not wait. */
  poke(): void {
    for (const wake of this.#watchers.splice(0)) wake();
    this.#again = true;
    if (this.#driving || this.#controller.signal.aborted) return;
    this.#driving = true;
    void this.#drive().finally(() => { this.#driving = false; if (this.#again) this.poke(); });
  }

  async #pause(): Promise<void> {
    await sleep(this.#retryMs, undefined, { signal: this.#controller.signal }).catch(() => {});
    this.#retryMs = Math.min(2 * this.#retryMs, STEP_RETRY_MAX_MS);
  }

  async #drive(): Promise<void> {
    while (this.#again && !this.#controller.signal.aborted) {
      this.#again = false;
      try {
        await this.#step();
        this.#retryMs = STEP_RETRY_MS;
      } catch (error) {
        if (this.#controller.signal.aborted) return;
        if (isError(error, ...HOPELESS)) {
          this.#fail(error);
          this.#controller.abort(error);
          return;
        }
        // The chain may be away, or a node may have taken the step first: look again after a pause.
        this.#init.onProgress({ stage: 'problem', message: messageOf(error) });
        await this.#pause();
      }
    }
  }

  async #step(): Promise<void> {
    const { job, record } = this;
    const { chain } = this.#components;
    const { request } = record;
    const { signal } = this.#controller;
    const options = { signal };
    const action = nextClientAction(job, {
      bids: record.bids.length,
      bidWaitOver: this.#announcer.ageMs >= this.#init.bidWaitMs,
      commitments: heldCommitments(job, record.commitments),
      examined: [...this.#exhibits.keys()].reduce((mask, seat) => mask | (1 << seat), 0),
      set: this.#directOver ? 'given-up' : record.set === undefined ? 'none' : 'signed',
      overruled: job !== undefined && 'roster' in job && isOverruled(job.roster, record.set),
    }, this.#init.head().timestamp, this.#init.head().number);
    switch (action) {
      case 'submit':
        await this.#announce();
        return this.#took('submit', await submit(chain, { request }, options));
      case 'wait':
        this.#noteFewBids(job);
        return job?.state === 'Open' || (job?.state === 'Assigned' && this.#resumed) ? this.#announce() : undefined;
      case 'assign': {
        const bids = this.#assignableBids();
        if (bids.length < request.replicas) return undefined;
        await this.#noteStandings('before', bids.map(({ node }) => node));
        // Where the bidders listen is nowhere else: without it a process that takes over could not ask for their evidence.
        await this.#save();
        return this.#took('assign', await assign(chain, { request, bids }, options));
      }
    }
    const roster = job !== undefined && 'roster' in job ? job.roster : [];
    switch (action) {
      case 'close':
        return this.#close(roster);
      case 'commit-set':
        return this.#took('commit', await commitSet(chain, { request, roster, set: record.set!, posted: true }, options));
      case 'commit':
        return this.#took('commit', await commit(chain, { request, roster, commitments: commitmentsToCarry(job!, record.commitments) }, options));
      case 'examine':
        return this.#examine(this.#closed(job!));
      case 'settle-direct': {
        const closed = this.#closed(job!);
        const verdict = await this.#verdict(closed);
        const { signatures } = record.set!;
        return this.#took('settle', await settleDirect(chain, { request, roster: closed.roster, signatures, ...verdict }, options));
      }
      case 'settle': {
        const verdict = await this.#verdict(this.#closed(job!));
        return this.#took('settle', await settle(chain, { request, roster, ...verdict }, options));
      }
      case 'expire':
        return this.#took('expire', await expire(chain, { request, roster }, options));
      case 'resolve': {
        const openings = job?.state === 'Contestable' ? [] : openingsIn(record.events);
        return this.#took('resolve', await resolve(chain, { request, roster, openings }, options));
      }
      case 'done': {
        if (Object.keys(record.after).length === 0) {
          await this.#noteStandings('after', roster.map(({ node }) => node));
          await this.#save();
          this.#init.onProgress({ stage: 'final', state: job!.state });
        }
        return this.#finish();
      }
    }
  }

  #saidFewBids = -1;

  /** Tells once for every number of bids that more are needed than came in good time. */
  #noteFewBids(job: JobState | undefined): void {
    const { request, bids } = this.record;
    const patience = Math.max(this.#init.bidWaitMs, FEW_BIDS_AFTER_MS);
    if (job?.state !== 'Open' || bids.length >= request.replicas || bids.length === this.#saidFewBids || this.#announcer.ageMs < patience) return;
    this.#saidFewBids = bids.length;
    this.#init.onProgress({ stage: 'few-bids', count: bids.length, needed: request.replicas, until: job.since + request.assignWindow });
  }

  async #announce(): Promise<void> {
    if (await this.#announcer.announce(this.#controller.signal)) setTimeout(() => this.poke(), this.#init.bidWaitMs).unref();
  }

  #assignableBids(): SignedBid[] {
    return this.record.bids.map(({ bid }) => bid).slice(0, MAX_BIDS);
  }

  /** Whether the way in three messages is given up, for this process. */
  #directOver: boolean;

  /** Has everybody sign the set of commitments; where somebody does not, the chain closes the job. */
  async #close(roster: readonly SealedSeat[]): Promise<void> {
    const commitments = fullSet(roster, this.record.commitments);
    if (commitments === undefined) return;
    try {
      this.record.set = await collectSet(this.#components, this.record, roster, commitments, this.#controller.signal);
      this.#init.onProgress({ stage: 'committed' });
    } catch (error) {
      this.#controller.signal.throwIfAborted();
      this.#directOver = true;
      this.#init.onProgress({ stage: 'problem', message: messageOf(error) });
    }
    await this.#save();
    this.#mark('closed');
    this.poke();
  }

  /** The job with the commitments that count: those on chain, or in Assigned those of the signed set. */
  #closed(job: JobState): ClosedJob {
    if (!('committed' in job)) throw new ClientError('SET_REFUSED', `the job is ${job.state}`);
    const { set } = this.record;
    if (job.state !== 'Assigned' || set === undefined) return job;
    return { request: job.request, roster: withCommitments(job.roster, set.commitments), committed: (1 << job.roster.length) - 1 };
  }

  #waitingForEvidence = false;

  /** Asks for the evidence of every committed seat, all at once; each answer looks again what is next. */
  #examine(job: ClosedJob): void {
    if (!this.#waitingForEvidence && this.job?.state === 'Assigned') {
      this.#waitingForEvidence = true;
      setTimeout(() => { this.#directOver = true; this.poke(); }, DIRECT_EVIDENCE_WAIT_MS).unref();
    }
    const until = AbortSignal.any([this.#controller.signal, AbortSignal.timeout(job.request.settleWindow * 500)]);
    job.roster.forEach(({ node }, seat) => {
      if ((job.committed & (1 << seat)) === 0 || this.#examining.has(seat)) return;
      this.#examining.add(seat);
      void collectEvidence(this.#components.host, this.#components.court, this.record, job, seat, until, (problem) => this.#problems.set(seat, problem), (count) => (
        this.#init.onProgress({ stage: 'shards', node, count, of: job.request.shards }))).then((exhibit) => {
        this.#exhibits.set(seat, exhibit);
        this.#init.onProgress({ stage: 'evidence', node, ...('problem' in exhibit ? { problem: exhibit.problem } : {}) });
        this.poke();
      });
    });
  }

  /** The evidence opened so far, by seat. */
  get exhibits(): ReadonlyMap<number, Exhibit | ShardedExhibit> {
    return this.#exhibits;
  }

  async #verdict(job: ClosedJob): Promise<{ agreed: number; shard: number; reportDigest: `0x${string}` }> {
    const exhibits = job.roster.flatMap((_, seat): (Exhibit | ShardedExhibit)[] => (
      (job.committed & (1 << seat)) === 0 ? [] : [this.#exhibits.get(seat) ?? { seat, problem: `no evidence in time: ${this.#problems.get(seat) ?? 'no answer'}` }]));
    const { findings, shard } = await find(this.#components, this.record, job, exhibits, this.#controller.signal);
    this.record.findings = findings;
    this.record.receipts = Object.fromEntries(exhibits.flatMap((exhibit) => ('receipts' in exhibit ? [[exhibit.seat, exhibit.receipts]] : [])));
    this.#mark('examined');
    await this.#save();
    const agreed = findings.reduce((mask, finding) => (finding.agreed ? mask | (1 << finding.seat) : mask), 0);
    this.#init.onProgress({ stage: 'verdict', agreed: findings.filter((finding) => finding.agreed).length, of: job.roster.length });
    return { agreed, shard, reportDigest: keccak256(toHex(canonicalJson(findings))) };
  }

  /** Books a message of ours: its gas, its time, and the events it caused, without waiting for the watcher to see them. */
  async #took(step: string, result: WriteResult): Promise<void> {
    this.record.gas[step] = (this.record.gas[step] ?? 0) + Number(result.gasUsed);
    this.#mark(step);
    if (step === 'submit') this.#init.onProgress({ stage: 'submitted', jobId: this.record.jobId });
    for (const event of result.events.filter(isJobEvent)) await this.onEvent(event, false);
  }

  async #noteStandings(when: 'before' | 'after', nodes: readonly Address[]): Promise<void> {
    this.record[when] = await readStandings(this.#components.chain, this.record.request.client, nodes, { signal: this.#controller.signal });
  }

  #mark(what: string): void {
    this.record.timingsMs[what] ??= Date.now() - this.record.createdAt;
  }

  #save(): Promise<void> {
    return this.#components.journal.put(this.record.jobId, this.record);
  }
}
