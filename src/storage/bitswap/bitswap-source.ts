import type { Libp2p, PeerId } from '@libp2p/interface';
import type { CID } from 'multiformats/cid';
import { anySignal } from '../../protocol/base/any-signal.ts';
import { isError, messageOf } from '../../protocol/base/errors.ts';
import { DIAL_TIMEOUT_MS, LOOKUP_TIMEOUT_MS, MAX_PEERS_ASKED, MAX_PROVIDERS_DIALLED, MAX_ROUNDS_ASKED } from '../constants.ts';
import { StorageError } from '../errors.ts';
import type { Bitswap } from './bitswap.ts';
import { blockKey } from '../unixfs/links.ts';
import { abortable } from '../../protocol/base/abortable.ts';
import type { PeerFinder } from '../routing/find-peers.ts';
import type { Source } from '../source.ts';

/** What is known of a peer we ask for blocks. */
interface PeerState {
  peer: PeerId;
  inFlight: number;
  /** Whether it had what it was last asked for. */
  likely: boolean;
}

/**
 * IPFS by bitswap: the peer that had the last block and is least busy; if it has not this one, all connected peers at once; if none of
 * them has, whoever the DHT or routers name. Each block is asked of one peer as a rule, so that k holders do not send it k times. A peer that sends
 * wrong bytes is shunned, and the next is asked.
 */
export function bitswapSource({ libp2p, bitswap }: { libp2p: Libp2p; bitswap: Bitswap }, init: { lookupTimeoutMs?: number; findPeers?: PeerFinder } = {}): Source {
  const states = new Map<string, PeerState>();
  const lookups = new Map<string, Promise<PeerId[]>>();

  const stateOf = (peer: PeerId): PeerState => {
    const key = peer.toString();
    let state = states.get(key);
    if (state === undefined) {
      state = { peer, inFlight: 0, likely: false };
      states.set(key, state);
    }
    return state;
  };
  libp2p.addEventListener('peer:disconnect', ({ detail }) => {
    const state = states.get(detail.toString());
    if (state === undefined) return;
    state.likely = false;
    if (state.inFlight === 0) states.delete(detail.toString());
  });

  async function ask(state: PeerState, cid: CID, signal: AbortSignal): Promise<Uint8Array> {
    state.inFlight++;
    try {
      const bytes = await bitswap.want(state.peer, cid, { signal });
      state.likely = true;
      return bytes;
    } catch (error) {
      if (!signal.aborted) state.likely = false;
      throw error;
    } finally {
      state.inFlight--;
    }
  }

  /** The first of several peers to come up with the block. */
  async function askAll(peers: readonly PeerState[], cid: CID, signal: AbortSignal, reasons: string[]): Promise<Uint8Array | undefined> {
    const asks = peers.map((state) => ask(state, cid, signal));
    try {
      return await Promise.any(asks);
    } catch (error) {
      signal.throwIfAborted();
      for (const cause of (error as AggregateError).errors) if (!isError(cause, 'NOT_FOUND')) reasons.push(messageOf(cause));
      return undefined;
    }
  }

  /** Peers that the DHT or routers name and that can be dialled; one lookup at a time for one block. */
  function lookUp(cid: CID): Promise<PeerId[]> {
    const key = blockKey(cid);
    let lookup = lookups.get(key);
    if (lookup === undefined) {
      const timeoutMs = init.lookupTimeoutMs ?? LOOKUP_TIMEOUT_MS;
      const routed = init.findPeers?.(cid, { signal: AbortSignal.timeout(timeoutMs) }).catch(() => []) ?? [];
      lookup = Promise.all([findAndDial(libp2p, cid, timeoutMs), routed]).then((found) => found.flat()).finally(() => lookups.delete(key));
      lookups.set(key, lookup);
    }
    return lookup;
  }

  async function read(cid: CID, { signal }: { signal: AbortSignal }): Promise<Uint8Array> {
    const asked = new Set<PeerState>();
    const reasons: string[] = [];
    const candidates = (peers: readonly PeerId[]) => peers.map(stateOf).filter((state) => {
      const shunned = bitswap.shuns(state.peer);
      if (shunned !== undefined && !reasons.includes(messageOf(shunned))) reasons.push(messageOf(shunned));
      return shunned === undefined && !asked.has(state);
    });
    const attempt = (peers: readonly PeerState[]) => {
      for (const state of peers) asked.add(state);
      return askAll(peers, cid, signal, reasons);
    };
    const connected = () => candidates(libp2p.getPeers().reverse()).slice(0, MAX_PEERS_ASKED);
    const likely = candidates(libp2p.getPeers()).filter((state) => state.likely).sort((a, b) => a.inFlight - b.inFlight).slice(0, 1);
    const rounds = [() => likely, ...Array<typeof connected>(MAX_ROUNDS_ASKED).fill(connected), async () => candidates(await abortable(lookUp(cid), signal))];
    for (const peers of rounds) {
      const round = await peers();
      const bytes = round.length === 0 ? undefined : await attempt(round);
      if (bytes !== undefined) return bytes;
    }
    throw new StorageError('NOT_FOUND', asked.size === 0 ? 'no peer is known that could have it' : `none of ${asked.size} peers has it`, {
      ...(reasons.length === 0 ? {} : { details: reasons.slice(0, 3).join('; ') }),
      hint: 'connect to a peer that has the data',
    });
  }

  return {
    name: 'ipfs',
    read,
    async has(cid, options) {
      try {
        await read(cid, options);
        return true;
      } catch (error) {
        if (!isError(error, 'NOT_FOUND')) throw error;
        if (error.details === undefined) return false;
        throw new StorageError('PEER_UNREACHABLE', 'not every peer could be asked', { details: error.details, cause: error });
      }
    },
  };
}

async function findAndDial(libp2p: Libp2p, cid: CID, timeoutMs: number): Promise<PeerId[]> {
  const signal = AbortSignal.timeout(timeoutMs);
  const found: PeerId[] = [];
  try {
    for await (const { id } of libp2p.contentRouting.findProviders(cid, { signal })) {
      if (id.equals(libp2p.peerId)) continue;
      try {
        await libp2p.dial(id, { signal: anySignal(signal, AbortSignal.timeout(DIAL_TIMEOUT_MS)) });
        found.push(id);
      } catch {
        // A provider that cannot be reached is no provider; the next may be.
      }
      if (found.length >= MAX_PROVIDERS_DIALLED) break;
    }
  } catch {
    // No DHT, or its time is up: what was found by then is the answer.
  }
  return found;
}
