import { setTimeout as sleep } from 'node:timers/promises';
import type { Startable } from '../../protocol/index.ts';
import type { Chain } from '../chain-client.ts';
import { BACKOFF_MAX_MS, BACKOFF_MIN_MS, CURSOR_IDLE_WRITE_MS, CURSOR_WRITE_MS, LOG_WINDOW_BLOCKS, NULL_ROUND_STEPS, REORG_DEPTH_BLOCKS } from '../constants.ts';
import { readCursor, writeCursor, type Cursor, type ProcessedBlock } from './cursor-file.ts';
import { decodeEvent, type ChainEvent, type RpcLog } from './decode-events.ts';
import { ChainError, toChainError } from '../errors.ts';
import { findFork } from './find-fork.ts';
import { createLogSource, type Header, type LogSource } from './log-source.ts';

/** Events that left the chain, newest first. `forkBlock` is the newest block that stayed. */
export interface Reorg { forkBlock: bigint; removed: ChainEvent[] }

export type WatcherStatus =
  /** Blocks behind the head are being read. */
  | { status: 'syncing'; block: bigint; head: bigint }
  /** Everything up to `block` is delivered. */
  | { status: 'live'; block: bigint }
  /** The endpoint fails; the next try comes in `retryMs`. */
  | { status: 'down'; error: ChainError; retryMs: number }
  /** The handler threw; the same event or reorg is handed over again in `retryMs`. */
  | { status: 'blocked'; error: unknown; retryMs: number }
  /** The watcher has ended: CURSOR_MISMATCH (another chain), REORG_TOO_DEEP, EVENT_INVALID. */
  | { status: 'failed'; error: ChainError };

type Next = 'more' | 'wait';

export interface WatcherComponents { chain: Pick<Chain, 'client' | 'scheduler' | 'pollingIntervalMs'> }

export interface WatcherInit {
  /** Where the place in the chain survives a restart; without one every start is the first. */
  cursorFile?: string;
  /** First block to read when there is no cursor: the deployment's, or `latest` for what happens from now on. */
  fromBlock: bigint | 'latest';
  /** Blocks an event must be deep before it is delivered; 0. */
  confirmations?: number;
  pollingIntervalMs?: number;
  onEvent(event: ChainEvent): Promise<void> | void;
  /** Called before the events of the new branch. */
  onReorg?(reorg: Reorg): Promise<void> | void;
  onStatus?(status: WatcherStatus): void;
  /** Called for every new head seen, before its events; `timestamp` in unix seconds is the chain's own time. */
  onHead?(head: { number: bigint; timestamp: number }): void;
}

/**
 * Follows the scheduler's logs. Each event is delivered once for its place on the canonical chain, in order, one at a time; what a
 * reorganisation of up to 64 remembered blocks removes is handed to `onReorg`. The cursor moves on only after the handler resolved,
 * so across a crash (or a stop with a failing handler) the events of the last blocks are delivered again: at least once.
 * An endpoint that is away, lags, limits ranges or has null rounds is waited for; `onStatus` tells.
 */
export class Watcher implements Startable {
  readonly #chain: WatcherComponents['chain'];
  readonly #init: WatcherInit;
  readonly #abort = new AbortController();
  readonly #source: LogSource;
  #cursor: Cursor | undefined;
  #seenHead: Header['hash'] | undefined;
  #writtenAt = Number.NEGATIVE_INFINITY;
  #dirty = false;
  #checked = false;
  #status = '';
  #running: Promise<void> | undefined;

  constructor({ chain }: WatcherComponents, init: WatcherInit) {
    this.#chain = chain;
    this.#init = init;
    this.#source = createLogSource(chain.client, chain.scheduler, this.#abort.signal);
  }

  /** Newest block whose events are all delivered; undefined before the first contact. */
  get block(): bigint | undefined {
    return this.#cursor && BigInt(this.#cursor.block);
  }

  /**
   * Reads the cursor and begins. Waits for the endpoint only where `latest` must be told from what follows.
   *
   * @throws ChainError CURSOR_INVALID, CURSOR_MISMATCH; RPC_UNREACHABLE only with `fromBlock: 'latest'` and no cursor
   */
  async start(): Promise<void> {
    const cursor = this.#init.cursorFile === undefined ? undefined : await readCursor(this.#init.cursorFile);
    if (cursor !== undefined && cursor.scheduler.toLowerCase() !== this.#chain.scheduler.toLowerCase()) {
      throw mismatch(`it is of scheduler ${cursor.scheduler}`);
    }
    this.#cursor = cursor;
    if (cursor === undefined && this.#init.fromBlock === 'latest') {
      await this.#checkChain().catch((error: unknown) => { throw toChainError(error); });
    }
    this.#running = this.#run();
  }

  /** Ends after the handler that runs now and saves the cursor. */
  async stop(): Promise<void> {
    this.#abort.abort();
    await this.#running;
  }

  async #run(): Promise<void> {
    const { signal } = this.#abort;
    let failures = 0;
    while (!signal.aborted) {
      try {
        await this.#checkChain();
        const next = await this.#poll();
        failures = 0;
        if (next === 'wait') await this.#sleep(this.#pauseMs);
      } catch (cause) {
        if (signal.aborted) break;
        const error = toChainError(cause);
        if (error.code === 'CURSOR_MISMATCH' || error.code === 'REORG_TOO_DEEP' || error.code === 'EVENT_INVALID') {
          this.#report({ status: 'failed', error });
          break;
        }
        const retryMs = this.#backoff(failures++);
        this.#report({ status: 'down', error, retryMs });
        await this.#sleep(retryMs);
      }
    }
    if (this.#dirty) await this.#save().catch((error: unknown) => this.#report({ status: 'failed', error: toChainError(error) }));
  }

  async #checkChain(): Promise<void> {
    if (this.#checked) return;
    const chainId = await this.#source.chainId();
    if (this.#cursor === undefined) {
      const { fromBlock } = this.#init;
      const block = fromBlock === 'latest' ? (await this.#source.latest()).number : Number(fromBlock) - 1;
      this.#cursor = { version: 1, chainId, scheduler: this.#chain.scheduler, start: block, block, recent: [], complete: true };
    } else if (this.#cursor.chainId !== chainId) {
      throw mismatch(`it is of chain ${this.#cursor.chainId}, the endpoint serves chain ${chainId}`);
    }
    this.#checked = true;
  }

  /** One look at the chain; `more` when there is something to do at once. */
  async #poll(): Promise<Next> {
    const cursor = this.#cursor!;
    // Not `eth_blockNumber`: the head a node speaks of may be one it cannot read yet (Filecoin); `latest` is one it can.
    const latest = await this.#source.latest();
    if (latest.hash === this.#seenHead && this.#status === 'live') return 'wait';
    this.#init.onHead?.({ number: BigInt(latest.number), timestamp: latest.timestamp });
    const target = latest.number - (this.#init.confirmations ?? 0);
    if (target > cursor.block) {
      if (target - cursor.block > LOG_WINDOW_BLOCKS) this.#report({ status: 'syncing', block: BigInt(cursor.block), head: BigInt(latest.number) });
      const next = await this.#advance(latest, target);
      if (next !== 'done') return next;
      if (cursor.block < target) return 'more';
    } else if (target < cursor.block && await this.#checkBranch(latest.number) === 'left') {
      return 'more';
    }
    this.#seenHead = latest.hash;
    this.#report({ status: 'live', block: BigInt(cursor.block) });
    return 'wait';
  }

  /** Reads the next window. Unless `done`, nothing was delivered: the chain changed, or the endpoint does not know it yet. */
  async #advance(latest: Header, target: number): Promise<Next | 'done'> {
    const cursor = this.#cursor!;
    const anchor = cursor.recent.at(-1);
    if (target === latest.number && anchor !== undefined && latest.parentHash === anchor.hash) {
      // One new block on top of what we know: asked for by hash, the answer cannot be of another branch.
      await this.#deliver(await this.#source.withTimes(await this.#source.logsOf(latest)), latest.number, latest);
      return 'done';
    }
    const from = cursor.block + 1;
    const farthest = Math.min(target, from + LOG_WINDOW_BLOCKS - 1);
    const end = farthest === latest.number ? latest : await this.#endOf(from, farthest);
    const { logs, to } = await this.#source.logsBetween(from, end?.number ?? farthest);
    const timed = await this.#source.withTimes(logs);
    const last = timed.at(-1);
    // A shortened window ends at a block whose header we did not ask for: its last log's block is what can be checked and remembered.
    const witness = end?.number === to ? end : last && { number: Number(last.blockNumber), hash: last.blockHash };
    if (last !== undefined && Number(last.blockNumber) === witness?.number && last.blockHash !== witness.hash) return 'wait';
    // The same at both ends as before: the logs in between are of this branch.
    const [witnessNow, anchorNow] = await Promise.all([witness && this.#source.header(witness.number), anchor && this.#source.header(anchor.number)]);
    if (anchor?.hash !== anchorNow?.hash) return await this.#checkBranch(latest.number) === 'left' ? 'more' : 'wait';
    if (witness?.hash !== witnessNow?.hash) return 'wait';
    await this.#deliver(timed, to, witness);
    return 'done';
  }

  /** The highest block at or a little below `to`: `to` itself may be a null round. */
  async #endOf(from: number, to: number): Promise<Header | undefined> {
    for (let number = to; number >= from && number > to - NULL_ROUND_STEPS; number--) {
      const header = await this.#source.header(number);
      if (header !== undefined) return header;
    }
    return undefined;
  }

  /**
   * Compares the newest remembered block not above `head` with the chain. Where the chain `left` it, goes back to the fork. `unknown`
   * when the endpoint has no block there: behind a load balancer it may lag; well below the head it can only be a null round by now.
   */
  async #checkBranch(head: number): Promise<'kept' | 'left' | 'unknown'> {
    // A head below all we remember is an endpoint that lags, too.
    const known = this.#cursor!.recent.filter((block) => block.number <= head);
    const newest = known.at(-1);
    if (newest === undefined) return 'kept';
    const now = await this.#source.header(newest.number);
    if (now === undefined && head - newest.number < NULL_ROUND_STEPS) return 'unknown';
    if (now?.hash === newest.hash) return 'kept';
    const fork = await findFork(known, head, async (number) => (await this.#source.header(number))?.hash);
    if (fork === 'unknown') return 'unknown';
    if (fork < 0 && !this.#cursor!.complete) {
      throw new ChainError('REORG_TOO_DEEP', 'the chain was replaced below everything the watcher remembers', {
        details: `no remembered block from ${known[0]!.number} to ${newest.number} is on the chain any more`,
        hint: 'was the chain reset? delete the cursor file to read it from its start',
      });
    }
    await this.#rollBack(fork);
    return 'left';
  }

  /** Goes back to a remembered block, or with -1 to the start. */
  async #rollBack(keep: number): Promise<void> {
    const cursor = this.#cursor!;
    const fork = cursor.recent[keep]?.number ?? cursor.start;
    const removed = cursor.recent.slice(keep + 1).flatMap(({ logs }) => logs).reverse().flatMap((log) => decodeEvent(log) ?? []);
    await this.#handOver(() => this.#init.onReorg?.({ forkBlock: BigInt(fork), removed }));
    cursor.recent.splice(keep + 1);
    cursor.block = fork;
    this.#seenHead = undefined;
    await this.#save();
  }

  /** Hands over the logs block by block; the cursor follows. */
  async #deliver(logs: readonly RpcLog[], to: number, end: { number: number; hash: ProcessedBlock['hash'] } | undefined): Promise<void> {
    for (const block of Map.groupBy(logs, (log) => log.blockHash).values()) {
      for (const log of block) {
        const event = decodeEvent(log);
        if (event !== undefined) await this.#handOver(() => this.#init.onEvent(event));
      }
      this.#remember({ number: Number(block[0]!.blockNumber), hash: block[0]!.blockHash, logs: block });
      this.#abort.signal.throwIfAborted();
    }
    if (end !== undefined && end.number !== this.#cursor!.recent.at(-1)?.number) this.#remember({ number: end.number, hash: end.hash, logs: [] });
    this.#cursor!.block = Math.max(this.#cursor!.block, to);
    this.#dirty = true;
    const age = performance.now() - this.#writtenAt;
    if (age > (logs.length > 0 ? CURSOR_WRITE_MS : CURSOR_IDLE_WRITE_MS)) await this.#save();
  }

  #remember(block: ProcessedBlock): void {
    const cursor = this.#cursor!;
    cursor.recent.push(block);
    if (cursor.recent.length > REORG_DEPTH_BLOCKS) {
      cursor.recent.shift();
      cursor.complete = false;
    }
    cursor.block = block.number;
    this.#dirty = true;
  }

  /** Calls a handler until it resolves. @throws the signal's reason when stopped meanwhile */
  async #handOver(call: () => Promise<void> | void): Promise<void> {
    for (let failures = 0; ; failures++) {
      try {
        await call();
        return;
      } catch (error) {
        this.#abort.signal.throwIfAborted();
        const retryMs = this.#backoff(failures);
        this.#report({ status: 'blocked', error, retryMs });
        await this.#sleep(retryMs);
        this.#abort.signal.throwIfAborted();
      }
    }
  }

  async #save(): Promise<void> {
    if (this.#init.cursorFile !== undefined) await writeCursor(this.#init.cursorFile, this.#cursor!);
    this.#writtenAt = performance.now();
    this.#dirty = false;
  }

  /** `live` is said when it becomes true; everything else each time. */
  #report(status: WatcherStatus): void {
    const repeated = status.status === 'live' && this.#status === 'live';
    this.#status = status.status;
    if (!repeated) this.#init.onStatus?.(status);
  }

  get #pauseMs(): number {
    return this.#init.pollingIntervalMs ?? this.#chain.pollingIntervalMs;
  }

  /** Doubling pauses; who looks more often than the first of them begins with his own. */
  #backoff(failures: number): number {
    return Math.min(BACKOFF_MAX_MS, Math.min(BACKOFF_MIN_MS, this.#pauseMs) * 2 ** failures);
  }

  async #sleep(ms: number): Promise<void> {
    await sleep(ms, undefined, { signal: this.#abort.signal }).catch(() => undefined);
  }
}

function mismatch(details: string): ChainError {
  return new ChainError('CURSOR_MISMATCH', 'the watcher\'s cursor belongs to another chain or scheduler', { details, hint: 'use another cursor file, or delete this one' });
}
