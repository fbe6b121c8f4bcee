import type { Libp2p } from '@libp2p/interface';
import { multiaddr } from '@multiformats/multiaddr';
import type { CID } from 'multiformats/cid';
import { anySignal } from '../protocol/base/any-signal.ts';
import { abortable } from '../protocol/base/abortable.ts';
import { messageOf } from '../protocol/base/errors.ts';
import { DIAL_TIMEOUT_MS, PROVIDE_TIMEOUT_MS } from './constants.ts';
import { StorageError } from './errors.ts';
import type { Source } from './source.ts';

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
  const until = anySignal(signal, AbortSignal.timeout(PROVIDE_TIMEOUT_MS));
  return abortable(libp2p.contentRouting.provide(cid, { signal: until }), until).then(() => true, () => false);
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
