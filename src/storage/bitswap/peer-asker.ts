import type { Libp2p, PeerId } from '@libp2p/interface';
import type { CID } from 'multiformats/cid';
import { anySignal } from '../../protocol/any-signal.ts';
import { cancelWant } from './cancel-want.ts';
import { MAX_ASKED_REMEMBERED, PEER_CHECK_MS, PEER_REPEAT_MS, PEER_SILENCE_TIMEOUT_MS } from '../constants.ts';
import { StorageError } from '../errors.ts';
import type { Bitswap } from './helia.ts';
import { blockKey } from '../unixfs/links.ts';

/** What is known of a peer we ask for blocks. */
export interface PeerState {
  peer: PeerId;
  inFlight: number;
  /** When it last sent a block, `performance.now()`. */
  lastBlockAt: number;
  /** Whether it had what it was last asked for. */
  likely: boolean;
  /** Blocks it was asked for: it may believe to have sent them. */
  asked: Set<string>;
  /** Not asked before this time. */
  shunnedUntil: number;
}

export interface AskInit { silenceMs?: number; repeatMs?: number; checkMs?: number }

/**
 * Asks one peer for one block and tells apart that it has it not (a bitswap DONT_HAVE), that it is silent and that it is gone.
 * A want is repeated during silence, and cancelled before it is repeated and when it is not satisfied (see `cancelWant`).
 *
 * @throws StorageError NOT_FOUND, STALLED, PEER_UNREACHABLE; the signal's reason
 */
export async function askPeer(
  { libp2p, bitswap }: { libp2p: Libp2p; bitswap: Bitswap }, state: PeerState, cid: CID, signal: AbortSignal,
  { silenceMs = PEER_SILENCE_TIMEOUT_MS, repeatMs = PEER_REPEAT_MS, checkMs = PEER_CHECK_MS }: AskInit = {},
): Promise<Uint8Array> {
  signal.throwIfAborted();
  const over = new AbortController();
  const inner = anySignal(signal, over.signal);
  const { promise, resolve, reject } = Promise.withResolvers<Uint8Array>();

  const ask = () => {
    if (inner.aborted) return;
    // One session for one peer and one block: a session asks all its peers for every block, and strikes off a peer at its first no.
    const session = bitswap.broker.createSession({ providers: [state.peer.toCID()], minProviders: 1, maxProviders: 1 });
    session.retrieve!(cid, { signal: inner }).then(resolve, (cause: unknown) => {
      reject(new StorageError('NOT_FOUND', 'the peer does not have it', { details: state.peer.toString(), cause }));
    });
  };
  const askAnew = () => void cancelWant(libp2p, state.peer, cid).then(ask);
  const onGone = (event: CustomEvent<PeerId>) => {
    if (!event.detail.equals(state.peer)) return;
    reject(new StorageError('PEER_UNREACHABLE', 'the peer went away', { details: state.peer.toString() }));
  };
  const onAbort = () => reject(signal.reason);

  let silent = 0;
  let heardAt = state.lastBlockAt;
  let lookedAt = performance.now();
  let repeatAfterMs = repeatMs;
  const watch = setInterval(() => {
    const now = performance.now();
    if (state.lastBlockAt > heardAt) {
      heardAt = state.lastBlockAt;
      silent = 0;
    }
    // While this process itself stood still, it could not have heard anything.
    silent += Math.min(now - lookedAt, 2 * checkMs);
    lookedAt = now;
    if (silent > silenceMs) {
      reject(new StorageError('STALLED', 'the peer is silent', { details: `${state.peer} for ${silenceMs} ms` }));
    } else if (silent > repeatAfterMs) {
      repeatAfterMs *= 2;
      askAnew();
    }
  }, checkMs);
  libp2p.addEventListener('peer:disconnect', onGone);
  signal.addEventListener('abort', onAbort, { once: true });
  state.inFlight++;
  try {
    if (remember(state.asked, blockKey(cid))) askAnew();
    else ask();
    const bytes = await promise;
    state.lastBlockAt = performance.now();
    state.likely = true;
    return bytes;
  } catch (error) {
    if (!signal.aborted) state.likely = false;
    void cancelWant(libp2p, state.peer, cid);
    throw error;
  } finally {
    state.inFlight--;
    clearInterval(watch);
    libp2p.removeEventListener('peer:disconnect', onGone);
    signal.removeEventListener('abort', onAbort);
    over.abort(new Error('answered'));
  }
}

/** Whether the key is known; knows it from now on, and forgets the oldest when it knows too many. */
function remember(known: Set<string>, key: string): boolean {
  if (known.has(key)) return true;
  known.add(key);
  if (known.size > MAX_ASKED_REMEMBERED) for (const oldest of known) { known.delete(oldest); break; }
  return false;
}
