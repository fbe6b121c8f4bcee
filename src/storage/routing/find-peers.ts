import type { Libp2p, PeerId } from '@libp2p/interface';
import { peerIdFromString } from '@libp2p/peer-id';
import { multiaddr, type Multiaddr } from '@multiformats/multiaddr';
import type { CID } from 'multiformats/cid';
import { anySignal } from '../../protocol/base/any-signal.ts';
import { DIAL_TIMEOUT_MS } from '../constants.ts';
import { isPrivateAddress } from '../gateway/check-address.ts';
import { forEachParallel } from '../parallel.ts';
import { blockKey } from '../unixfs/links.ts';
import { MAX_CACHED_CIDS, MAX_ROUTED_DIALS, MAX_ROUTED_PEERS, PROVIDERS_CACHE_MS, ROUTED_DIAL_CONCURRENCY } from './constants.ts';
import { findProviders, type Provider } from './find-providers.ts';

/** Finds peers that may have a CID, and connects to them. Never throws but the signal's reason. */
export type PeerFinder = (cid: CID, options: { signal: AbortSignal }) => Promise<PeerId[]>;

export interface PeerFinderInit {
  /** Peers on this machine or network are believed: on a private network. */
  privateHosts?: boolean;
  timeoutMs?: number;
  dialTimeoutMs?: number;
}

/**
 * Makes a finder that asks routers (`/routing/v1`) for libp2p peers and dials the first few that can be: over TCP, at addresses of the public
 * network, given as numbers, and as who the router says they are. What came of it is remembered for a while, failures too.
 */
export function createPeerFinder({ libp2p }: { libp2p: Pick<Libp2p, 'dial' | 'peerId'> }, routers: readonly URL[], { privateHosts = false, timeoutMs, dialTimeoutMs = DIAL_TIMEOUT_MS }: PeerFinderInit = {}): PeerFinder {
  const known = new Map<string, { peers: Promise<PeerId[]>; until: number }>();

  async function find(cid: CID, signal: AbortSignal): Promise<PeerId[]> {
    const found = new Map<string, Multiaddr[]>();
    await Promise.all(routers.map(async (router) => {
      try {
        for await (const provider of findProviders(router, cid, { signal, ...(timeoutMs !== undefined && { timeoutMs }) })) {
          const addresses = dialable(provider, privateHosts);
          if (addresses.length > 0 && provider.id !== libp2p.peerId.toString() && !found.has(provider.id!)) found.set(provider.id!, addresses);
          if (found.size >= MAX_ROUTED_PEERS) return;
        }
      } catch {
        // A router that fails names nobody; there may be others, and other ways.
      }
    }));
    signal.throwIfAborted();
    const connected: PeerId[] = [];
    await forEachParallel([...found.values()], ROUTED_DIAL_CONCURRENCY, async (addresses) => {
      if (connected.length >= MAX_ROUTED_DIALS || signal.aborted) return;
      try {
        connected.push((await libp2p.dial(addresses, { signal: anySignal(signal, AbortSignal.timeout(dialTimeoutMs)) })).remotePeer);
      } catch {
        // Most of a list may be gone.
      }
    });
    signal.throwIfAborted();
    return connected;
  }

  return async (cid, { signal }) => {
    const key = blockKey(cid);
    const remembered = known.get(key);
    if (remembered !== undefined && remembered.until > performance.now()) return remembered.peers;
    const peers = find(cid, signal);
    known.delete(key);
    known.set(key, { peers, until: performance.now() + PROVIDERS_CACHE_MS });
    peers.catch(() => known.delete(key));
    if (known.size > MAX_CACHED_CIDS) known.delete(known.keys().next().value!);
    return peers;
  };
}

/** The addresses of a provider at which it may be dialled, each with its id, so that nobody else can answer. */
function dialable({ id, addrs }: Provider, privateHosts: boolean): Multiaddr[] {
  if (id === undefined) return [];
  try {
    peerIdFromString(id);
  } catch {
    return [];
  }
  return addrs.flatMap((text) => {
    try {
      const address = multiaddr(text);
      const parts = address.getComponents();
      const [host, port] = parts;
      const plain = (host?.name === 'ip4' || host?.name === 'ip6') && port?.name === 'tcp' && parts.slice(2).every(({ name, value }) => name === 'p2p' && value === id);
      if (!plain || (!privateHosts && isPrivateAddress(host.value ?? ''))) return [];
      return [parts.length > 2 ? address : address.encapsulate(`/p2p/${id}`)];
    } catch {
      return [];
    }
  });
}
