import { setTimeout as sleep } from 'node:timers/promises';
import type { Startable } from '../../protocol/index.ts';
import type { Chain } from '../chain.ts';
import { BACKOFF_MAX_MS, BACKOFF_MIN_MS, LOG_WINDOW_BLOCKS } from '../constants.ts';
import { ChainError, toChainError } from '../errors.ts';
import { checkBranch } from './check-branch.ts';
import { readCursor } from './cursor-file.ts';
import { decodeEvent, type ChainEvent } from './decode-events.ts';
import { createLogSource, type Header, type LogSource } from './log-source.ts';
import { Place } from './place.ts';
import { readWindow, type Window } from './read-window.ts';
import type { Reorg, WatcherStatus } from './watcher-status.ts';

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
  #place: Place | undefined;
  #seenHead: Header['hash'] | undefined;
  /** Whether the endpoint serves the cursor's chain. */
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
    return this.#place && BigInt(this.#place.cursor.block);
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
    if (cursor !== undefined) this.#place = new Place(cursor, this.#init.cursorFile);
    else if (this.#init.fromBlock === 'latest') {
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
        const next = await this.#poll(await this.#checkChain());
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
    await this.#place?.flush().catch((error: unknown) => this.#report({ status: 'failed', error: toChainError(error) }));
  }

  /** The place to read on from, on the chain that it is of. */
  async #checkChain(): Promise<Place> {
    if (this.#checked) return this.#place!;
    const chainId = await this.#source.chainId();
    if (this.#place === undefined) {
      const { fromBlock, cursorFile } = this.#init;
      const block = fromBlock === 'latest' ? (await this.#source.latest()).number : Number(fromBlock) - 1;
      this.#place = new Place({ version: 1, chainId, scheduler: this.#chain.scheduler, start: block, block, recent: [], complete: true }, cursorFile);
    } else if (this.#place.cursor.chainId !== chainId) {
      throw mismatch(`it is of chain ${this.#place.cursor.chainId}, the endpoint serves chain ${chainId}`);
    }
    this.#checked = true;
    return this.#place;
  }

  /** One look at the chain; `more` when there is something to do at once. */
  async #poll(place: Place): Promise<Next> {
    const { cursor } = place;
    // Not `eth_blockNumber`: the head a node speaks of may be one it cannot read yet (Filecoin); `latest` is one it can.
    const latest = await this.#source.latest();
    if (latest.hash === this.#seenHead && this.#status === 'live') return 'wait';
    this.#init.onHead?.({ number: BigInt(latest.number), timestamp: latest.timestamp });
    const target = latest.number - (this.#init.confirmations ?? 0);
    if (target > cursor.block) {
      if (target - cursor.block > LOG_WINDOW_BLOCKS) this.#report({ status: 'syncing', block: BigInt(cursor.block), head: BigInt(latest.number) });
      const window = await readWindow(this.#source, cursor, latest, target);
      if (window.branch === 'unknown') return 'wait';
      if (window.branch === 'left') {
        await this.#rollBack(place, window.keep);
        return 'more';
      }
      await this.#deliver(place, window);
      if (cursor.block < target) return 'more';
    } else if (target < cursor.block) {
      const checked = await checkBranch(this.#source, cursor, latest.number);
      if (checked.branch === 'left') {
        await this.#rollBack(place, checked.keep);
        return 'more';
      }
    }
    this.#seenHead = latest.hash;
    this.#report({ status: 'live', block: BigInt(cursor.block) });
    return 'wait';
  }

  /** Hands over what left the chain, and goes back to a remembered block, or with -1 to the start. */
  async #rollBack(place: Place, keep: number): Promise<void> {
    const removed = place.cursor.recent.slice(keep + 1).flatMap(({ logs }) => logs).reverse().flatMap((log) => decodeEvent(log) ?? []);
    await this.#handOver(() => this.#init.onReorg?.({ forkBlock: BigInt(place.blockAt(keep)), removed }));
    this.#seenHead = undefined;
    await place.goBack(keep);
  }

  /** Hands over the logs block by block; the cursor follows. */
  async #deliver(place: Place, { logs, to, end }: Extract<Window, { branch: 'same' }>): Promise<void> {
    for (const block of Map.groupBy(logs, (log) => log.blockHash).values()) {
      for (const log of block) {
        const event = decodeEvent(log);
        if (event !== undefined) await this.#handOver(() => this.#init.onEvent(event));
      }
      place.remember({ number: Number(block[0]!.blockNumber), hash: block[0]!.blockHash, logs: block });
      this.#abort.signal.throwIfAborted();
    }
    if (end !== undefined && end.number !== place.newest?.number) place.remember({ number: end.number, hash: end.hash, logs: [] });
    await place.reach(to, logs.length > 0);
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
