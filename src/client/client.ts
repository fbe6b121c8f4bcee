import type { Address, Hex } from 'viem';
import { chainProfile, isJobEvent, readRegistrations, signLogAccess, type ChainEvent } from '../chain/index.ts';
import { announcementProtocol, bidProtocol, commitmentProtocol, logsProtocol, openStream, serve } from '../network/index.ts';
import {
  decodeSpec, isFinal, jobIdOf, type JobSpec, type JobSpecInput, type JobState, type LogChunk, type PossessionRoot, type Startable,
} from '../protocol/index.ts';
import type { FetchOptions, Receipt } from '../storage/index.ts';
import { addrsOf } from './book/addrs-of.ts';
import type { ClientComponents, Progress } from './components.ts';
import { BID_WAIT_MS, LOG_ACCESS_SECONDS, TICK_MS } from './constants.ts';
import { ClientError } from './errors.ts';
import { cancelJob } from './book/cancel-job.ts';
import { JobBook } from './book/job-book.ts';
import type { JobRecord } from './book/job-record.ts';
import { JobSession, type Head } from './session/job-session.ts';
import { Sortition } from './request/sortition.ts';
import { Standings } from './session/standings.ts';
import { defaultWindows } from './request/default-windows.ts';
import { exportResult } from './export-result.ts';
import { isSharded } from './shards/is-sharded.ts';
import { drawTerms } from './request/draw-terms.ts';
import { refreshJob } from './book/refresh-job.ts';
import { watchJob } from './book/watch-job.ts';
import { prepareJob, type Windows } from './request/prepare-job.ts';
import { countShards } from './shards/count-shards.ts';
import { requireShard } from './shards/require-shard.ts';
import { EngineSurvey, lacksEngine, offeredEngines } from './request/pin-engine.ts';
import { resolveSpec } from './request/resolve-spec.ts';

export interface ClientInit {
  address: Address;
  /** Image names the caller may use, and their CIDs. */
  images?: Record<string, string>;
  /** Block to read a job's history from. */
  deploymentBlock: bigint;
  bidWaitMs?: number;
  bidBlocks?: number;
  /** Let only as many nodes bid as a draw can look at: reads all registrations first. */
  sortition?: boolean;
  windows?: Partial<Windows>;
}

export interface SubmitOptions {
  onProgress?: (progress: Progress) => void;
  windows?: Partial<Windows>;
  /** Let the chain close commitments, though the nodes would sign the set: a message more, for who fears reorganisations. */
  closeOnChain?: boolean;
  /** Blocks after the seed's in which nodes may post bids that this client leaves out. */
  bidBlocks?: number;
  /** Root over the inputs, as `gadus data add` prints it; where the client holds them itself it finds out. */
  dataRoot?: PossessionRoot;
}

/**
 * Asks for jobs and pays: submits specs, carries everybody's statements to the chain, examines evidence, gives verdicts, fetches results.
 *
 * Start: journal read, bids and commitments served. Whoever watches the chain tells it by `onChainEvent` and `onHead`. Jobs left
 * unfinished go on with `resume`.
 */
export class Client implements Startable {
  readonly #components: ClientComponents;
  readonly #init: ClientInit;
  readonly #book: JobBook;
  readonly #sessions = new Map<Hex, JobSession>();
  readonly #standings: Standings;
  readonly #sortition: Sortition;
  readonly #survey: EngineSurvey;
  readonly #stopping = new AbortController();
  #unserve: (() => Promise<void>)[] = [];
  #tick: NodeJS.Timeout | undefined;
  #head: Head = { number: 0n, timestamp: 0 };

  constructor(components: ClientComponents, init: ClientInit) {
    this.#components = components;
    this.#init = init;
    this.#book = new JobBook(components.journal, components.claims);
    this.#standings = new Standings(components.chain);
    this.#survey = new EngineSurvey((signal) => offeredEngines(components.host, signal));
    this.#sortition = new Sortition((signal) => readRegistrations(components.chain, { fromBlock: init.deploymentBlock }, { signal }));
  }

  async start(): Promise<void> {
    const { host } = this.#components;
    await this.#book.read();
    const answer = (reason: string | undefined) => (reason === undefined ? { ok: true } : { ok: false, reason });
    const session = (jobId: Hex) => this.#sessions.get(jobId);
    this.#unserve = [
      await serve(host, bidProtocol, async (message) => answer(await (session(message.bid.jobId)?.onBid(message) ?? 'not a job of mine'))),
      await serve(host, commitmentProtocol, async (message, { peer }) => answer(await (session(message.jobId)?.onCommitment(message, peer.toString()) ?? 'not a job of mine'))),
      await serve(host, announcementProtocol, ({ jobId }) => {
        const announcement = session(jobId)?.announcement();
        return announcement === undefined ? { found: false } : { found: true, announcement };
      }),
    ];
    this.#tick = setInterval(() => { for (const one of this.#sessions.values()) one.poke(); }, TICK_MS);
  }

  async stop(): Promise<void> {
    clearInterval(this.#tick);
    const reason = new Error('the client is stopping');
    this.#stopping.abort(reason);
    for (const one of this.#sessions.values()) one.stop(reason);
    for (const unserve of this.#unserve) await unserve();
    await this.#components.claims.releaseAll();
    await this.#components.precedents.flush();
  }

  /** Jobs in the journal, newest first. */
  list(): JobRecord[] {
    return this.#book.list();
  }

  /** @throws ClientError JOB_UNKNOWN. An unambiguous beginning of the id is enough. */
  find(id: string): JobRecord {
    return this.#book.find(id);
  }

  stateOf(record: JobRecord): JobState | undefined {
    return this.#book.stateOf(record);
  }

  /** Image names resolved, the engine pinned, defaults filled in. @throws ProtocolError SPEC_INVALID, ClientError IMAGE_UNKNOWN */
  resolveSpec(input: JobSpecInput): Promise<JobSpec> {
    return resolveSpec(input, { survey: this.#survey, images: this.#init.images ?? {}, signal: this.#stopping.signal });
  }

  /** Journals a new job and starts carrying it. Resolves once its record is on disk; follow it with `wait`. */
  async submit(input: JobSpecInput, options: SubmitOptions = {}): Promise<JobRecord> {
    const { chainId } = this.#components.court;
    const { signal } = this.#stopping;
    const { windows: ours = {}, bidBlocks, sortition } = this.#init;
    const windows = { ...defaultWindows(chainId), ...ours, ...options.windows };
    const { spec, shards } = await countShards(this.#components.storage, await this.resolveSpec(input), {
      given: input.resources?.timeoutMs !== undefined, maxWindowSeconds: chainProfile(chainId).maxWindowSeconds - windows.commitMargin, signal,
    });
    const drawn = await drawTerms({
      storage: this.#components.storage, chainId, windows, asked: { ...(ours.assign !== undefined && { assign: ours.assign }), ...options.windows },
      bidBlocks: options.bidBlocks ?? bidBlocks, dataRoot: options.dataRoot, ...(sortition === true && { sortition: this.#sortition }),
    }, spec, shards, signal);
    const { request, specBytes, seed, auditBps } = await prepareJob(this.#init.address, spec, drawn.windows, drawn.terms);
    const jobId = jobIdOf(this.#components.court, request);
    const record: JobRecord = {
      jobId, createdAt: Date.now(), ...(spec.name === undefined ? {} : { name: spec.name }), request, spec: new TextDecoder().decode(specBytes), seed, auditBps,
      events: [], bids: [], commitments: {}, before: {}, after: {}, gas: {}, timingsMs: {},
    };
    await this.#components.claims.take(jobId);
    await this.#book.put(record);
    this.#open(record, options);
    return record;
  }

  /**
   * Goes on with a job of the journal: reads what the chain did meanwhile and carries it to its end.
   *
   * @throws ClientError JOB_CARRIED while another process of this client does
   */
  async resume(record: JobRecord, options: Omit<SubmitOptions, 'windows'> = {}): Promise<void> {
    if (this.#sessions.has(record.jobId)) return;
    const { claims } = this.#components;
    if (!await claims.take(record.jobId)) {
      throw new ClientError('JOB_CARRIED', 'another process of this client carries the job', { details: record.jobId, hint: 'gadus job watch looks on' });
    }
    try {
      await this.#book.reread(record);
      await this.refresh(record);
    } catch (error) {
      await claims.release(record.jobId);
      throw error;
    }
    this.#open(record, options);
  }

  /** Looks on at a job that another process carries, until it is over or free. @throws ChainError */
  async watch(record: JobRecord, { onProgress, signal = this.#stopping.signal }: Pick<SubmitOptions, 'onProgress'> & { signal?: AbortSignal } = {}): Promise<void> {
    const { chain } = this.#components;
    await watchJob({ chain, book: this.#book }, record, { deploymentBlock: this.#init.deploymentBlock, untilFree: true, signal, ...(onProgress && { onProgress }) });
  }

  /** Reads what the chain says of a job now, without carrying it on. */
  async refresh(record: JobRecord): Promise<void> {
    if (this.#sessions.has(record.jobId)) return;
    await refreshJob({ chain: this.#components.chain, book: this.#book }, record, this.#init.deploymentBlock, { signal: this.#stopping.signal });
  }

  /** Waits until the job is as asked, or final. */
  async waitFor(record: JobRecord, reached: (state: JobState | undefined) => boolean, { signal }: { signal?: AbortSignal } = {}): Promise<void> {
    const session = this.#sessions.get(record.jobId);
    if (session === undefined) return;
    const ended = this.wait(record, signal === undefined ? {} : { signal });
    // Nobody may be listening any more when it fails.
    ended.catch(() => {});
    for (;;) {
      const { job } = session;
      if (reached(job) || (job !== undefined && isFinal(job))) return;
      await Promise.race([session.changed(), ended]);
    }
  }

  /** Waits for the job's end; `signal` stops the waiting, not the job. */
  async wait(record: JobRecord, { signal }: { signal?: AbortSignal } = {}): Promise<JobState> {
    const session = this.#sessions.get(record.jobId);
    if (session !== undefined) {
      const aborted = new Promise<never>((_, reject) => signal?.addEventListener('abort', () => reject(signal.reason), { once: true }));
      await Promise.race([session.done, aborted]);
    }
    return this.stateOf(record)!;
  }

  /** The opened evidence of a job examined by this process, by seat. */
  exhibits(record: JobRecord): JobSession['exhibits'] {
    return this.#sessions.get(record.jobId)?.exhibits ?? new Map();
  }

  /** @throws ClientError CANNOT_CANCEL once nodes are assigned */
  async cancel(record: JobRecord): Promise<void> {
    await cancelJob({ chain: this.#components.chain, book: this.#book }, record, this.#init.deploymentBlock, { signal: this.#stopping.signal });
    this.#sessions.get(record.jobId)?.poke();
  }

  /** Follows the live log of one seat. @throws ClientError LOG_UNAVAILABLE, NetworkError */
  async *logs(record: JobRecord, seat: number, { signal }: { signal?: AbortSignal } = {}): AsyncGenerator<LogChunk> {
    const job = this.stateOf(record);
    const place = job !== undefined && 'roster' in job ? job.roster[seat] : undefined;
    if (place === undefined) throw new ClientError('LOG_UNAVAILABLE', `the job has no replica ${seat} yet`);
    const addrs = addrsOf(record, place.node);
    const { chain, court, host } = this.#components;
    const expires = Math.floor(Date.now() / 1000) + LOG_ACCESS_SECONDS;
    const signature = await signLogAccess(chain.signer(), court, { jobId: record.jobId, peer: host.peerId.toString(), expires: BigInt(expires) });
    yield* openStream(host, addrs, logsProtocol, { jobId: record.jobId, expires, signature }, signal === undefined ? {} : { signal });
  }

  /** CID of the result: that of the first replica that agreed. @throws ClientError NO_RESULT */
  resultOf(record: JobRecord): { cid: string; exitCode: number } {
    const job = this.stateOf(record);
    const verdicts = job?.state === 'Settled' ? job.verdicts : [];
    const finding = record.findings?.find(({ seat, resultCid }) => resultCid !== undefined && verdicts[seat] === 'agreed');
    if (finding === undefined) {
      throw new ClientError('NO_RESULT', 'no replica of the job agreed on a result', { details: `the job is ${job?.state ?? 'unknown'}` });
    }
    return { cid: finding.resultCid!, exitCode: finding.exitCode ?? 0 };
  }

  /**
   * Fetches the result to a folder that does not exist yet, or as a CAR to a file; of a job of shards all of it, or that of one. Every block is
   * verified; a fetch that was broken off goes on where it was.
   *
   * @throws ClientError NO_RESULT, SHARD_UNKNOWN; StorageError; EvidenceError as `exportResult`
   */
  async fetchResult(record: JobRecord, destination: string, { car = false, shard, ...options }: FetchOptions & { car?: boolean; shard?: number } = {}): Promise<Receipt> {
    const { storage } = this.#components;
    const whole = this.resultOf(record).cid;
    if (shard !== undefined) requireShard(record, shard);
    for (const { bid } of record.bids) await storage.connect(addrsOf(record, bid.node)).catch(() => {});
    const copies = record.findings!.flatMap(({ resultCid, ...rest }) => (resultCid === whole ? [{ ...rest, resultCid }] : []));
    return exportResult(this.#components, record, copies, destination, { car, ...options, ...(isSharded(record) && { shards: shard ?? 'all' }) });
  }

  specOf(record: JobRecord): JobSpec {
    return decodeSpec(new TextEncoder().encode(record.spec));
  }

  #open(record: JobRecord, { onProgress: tell = () => {}, closeOnChain = false }: SubmitOptions): void {
    const onProgress = (progress: Progress) => {
      tell(progress);
      if (progress.stage === 'few-bids' && progress.count === 0) void this.#tellWhy(record, tell);
    };
    const session = new JobSession(this.#components, record, {
      bidWaitMs: this.#init.bidWaitMs ?? BID_WAIT_MS, onProgress, closeOnChain, head: () => this.#head, standings: this.#standings,
    });
    this.#sessions.set(record.jobId, session);
    session.done.catch(() => {}).finally(() => void this.#components.claims.release(record.jobId));
    session.poke();
  }

  /** Why nobody may have bid, as far as the nodes that are known tell. */
  async #tellWhy(record: JobRecord, onProgress: (progress: Progress) => void): Promise<void> {
    const spec = this.specOf(record);
    const offers = await this.#survey.offers(this.#stopping.signal);
    if (lacksEngine(spec, offers)) onProgress({ stage: 'no-engine', engine: spec.engine, network: spec.network !== 'none', nodes: offers.length });
  }

  /** The chain's newest block. */
  onHead(head: Head): void {
    this.#head = head;
    for (const one of this.#sessions.values()) one.poke();
  }

  /** The chain said something, or took it back. */
  async onChainEvent(event: ChainEvent, removed = false): Promise<void> {
    if (isJobEvent(event)) this.#sessions.get(event.jobId)?.onEvent(event, removed);
  }
}
