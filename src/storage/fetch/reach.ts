import type { Libp2p } from '@libp2p/interface';
import { multiaddr } from '@multiformats/multiaddr';
import type { CID } from 'multiformats/cid';
import { anySignal } from '../../protocol/base/any-signal.ts';
import { abortable } from '../../protocol/base/abortable.ts';
import { messageOf } from '../../protocol/base/errors.ts';
import type { Shared, StorageComponents } from '../components.ts';
import { DIAL_TIMEOUT_MS, LOCATE_TIMEOUT_MS, PROVIDE_TIMEOUT_MS } from '../constants.ts';
import { StorageError } from '../errors.ts';
import type { Source } from '../source.ts';

/** Which source has a CID's first block, and how long it took to say so. */
export interface Location { source: string; has: boolean; ms: number; error?: string }

/** Asks every source at once whether it has the CID's first block. Never throws. */
export function locate(sources: readonly Source[], cid: CID, signal: AbortSignal): Promise<Location[]> {
  return Promise.all(sources.map(async (source): Promise<Location> => {
    const started = performance.now();
    const outcome = await abortable(source.has(cid, { signal }), signal)
      .then((has) => ({ has }), (error: unknown) => ({ has: false, error: messageOf(error) }));
    return { source: source.name, ms: Math.round(performance.now() - started), ...outcome };
  }));
}

/** Whether any source has the CID's first block: the first yes is the answer, only a no waits for all of them. Never throws. */
export async function isFindable(sources: readonly Source[], cid: CID, signal: AbortSignal): Promise<boolean> {
  const answered = new AbortController();
  const until = anySignal(signal, answered.signal);
  try {
    await Promise.any(sources.map(async (source) => {
      if (!await abortable(source.has(cid, { signal: until }), until)) throw new StorageError('NOT_FOUND', 'the source does not have it', { details: source.name });
    }));
    return true;
  } catch {
    return false;
  } finally {
    answered.abort(new Error('a source has it'));
  }
}

/** Announces on the DHT that this node has the CID; false when nobody could be told. Never throws. */
export async function provide(libp2p: Libp2p, cid: CID, signal: AbortSignal): Promise<boolean> {
  return abortable(libp2p.contentRouting.provide(cid, { signal }), signal).then(() => true, () => false);
}

/** Connects to a peer. @returns its peer id @throws StorageError PEER_UNREACHABLE; the signal's reason */
export async function connectTo(libp2p: Libp2p | undefined, addresses: readonly string[], signal: AbortSignal): Promise<string> {
  try {
    if (libp2p === undefined) throw new Error('this storage has no network');
    const connection = await libp2p.dial(addresses.map((address) => multiaddr(address)), { signal: anySignal(signal, AbortSignal.timeout(DIAL_TIMEOUT_MS)) });
    return connection.remotePeer.toString();
  } catch (cause) {
    signal.throwIfAborted();
    throw new StorageError('PEER_UNREACHABLE', 'the peer cannot be reached', { details: `${addresses.join(', ').slice(0, 300)}: ${messageOf(cause)}`, cause });
  }
}

export interface ReachOptions { signal?: AbortSignal; timeoutMs?: number }

/** What tells where data is, and others that it is here; see `Storage`, which says what each does. */
export class Reach {
  readonly #components: Pick<StorageComponents, 'libp2p'>;
  readonly #shared: Pick<Shared, 'sources' | 'until'>;

  constructor(components: Pick<StorageComponents, 'libp2p'>, shared: Pick<Shared, 'sources' | 'until'>) {
    this.#components = components;
    this.#shared = shared;
  }

  locate(cid: CID, options: ReachOptions): Promise<Location[]> {
    return this.#withTime(options, (signal) => locate(this.#shared.sources, cid, signal));
  }

  isFindable(cid: CID, options: ReachOptions): Promise<boolean> {
    return this.#withTime(options, (signal) => isFindable(this.#shared.sources, cid, signal));
  }

  provide(cid: CID, options: ReachOptions): Promise<boolean> {
    const { libp2p } = this.#components;
    return this.#withTime({ timeoutMs: PROVIDE_TIMEOUT_MS, ...options }, async (signal) => libp2p !== undefined && await provide(libp2p, cid, signal));
  }

  connect(addresses: readonly string[], signal: AbortSignal | undefined): Promise<string> {
    return connectTo(this.#components.libp2p, addresses, this.#shared.until(signal));
  }

  /** Too little time is an answer, the caller's signal is none. */
  async #withTime<T>({ signal, timeoutMs = LOCATE_TIMEOUT_MS }: ReachOptions, ask: (signal: AbortSignal) => Promise<T>): Promise<T> {
    const answer = await ask(anySignal(this.#shared.until(signal), AbortSignal.timeout(timeoutMs)));
    signal?.throwIfAborted();
    return answer;
  }
}
