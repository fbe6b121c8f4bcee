import type { Libp2p, PeerId } from '@libp2p/interface';
import type { CID } from 'multiformats/cid';
import { anySignal } from '../../protocol/base/any-signal.ts';
import { isError, messageOf } from '../../protocol/base/errors.ts';
import { MAX_PEERS_ASKED, MAX_ROUNDS_ASKED } from '../constants.ts';
import { StorageError } from '../errors.ts';
import type { PeerFinder } from '../routing/find-peers.ts';
import type { DagSink, Source } from '../source.ts';
import { verifyBlock } from '../blocks/verify.ts';
import { askPeerForCar } from './ask-peer.ts';
import { ASK_GRACE_MS, ASK_TIMEOUT_MS, CAR_PROTOCOL, DIRECT_REST_MS, LIAR_TIMEOUT_MS, MAX_REQUEST_ROOTS } from './constants.ts';

/** What is known of a peer. */
interface Standing {
  peer: PeerId;
  bytes: number;
  ms: number;
  failures: number;
  shunnedUntil: number;
  /** Not asked for direct connections before this time. */
  indirectUntil: number;
}

export interface PeerSourceInit {
  stallMs?: number;
  askTimeoutMs?: number;
  liarTimeoutMs?: number;
  /** Connects to peers that may have a DAG none of those connected has. */
  findPeers?: PeerFinder;
}

/**
 * Connected peers of our own kind, by streams of CAR sections. All are asked who has it; the one that has served best so far streams,
 * and when it stalls, breaks off or lacks something, the next streams what is missing then. A peer that sends anything wrong is shunned.
 */
export function peerSource({ libp2p }: { libp2p: Libp2p }, { stallMs, askTimeoutMs = ASK_TIMEOUT_MS, liarTimeoutMs = LIAR_TIMEOUT_MS, findPeers }: PeerSourceInit = {}): Source {
  const standings = new Map<string, Standing>();
  let likely: Standing | undefined;
  const options = (signal: AbortSignal) => ({ signal, openTimeoutMs: askTimeoutMs, ...(stallMs !== undefined && { stallMs }) });

  const standingOf = (peer: PeerId): Standing => {
    const key = peer.toString();
    let standing = standings.get(key);
    if (standing === undefined) standings.set(key, standing = { peer, bytes: 0, ms: 0, failures: 0, shunnedUntil: 0, indirectUntil: 0 });
    return standing;
  };
  libp2p.addEventListener('peer:disconnect', ({ detail }) => {
    // Only what must outlive a connection is remembered: that a peer is shunned.
    if (likely?.peer.equals(detail)) likely = undefined;
    if ((standings.get(detail.toString())?.shunnedUntil ?? 0) < performance.now()) standings.delete(detail.toString());
  });

  async function candidates(): Promise<Standing[]> {
    const peers = libp2p.getPeers().reverse().map(standingOf).filter(({ shunnedUntil }) => shunnedUntil < performance.now());
    const ours = await Promise.all(peers.map(async ({ peer }) => {
      const protocols = await libp2p.peerStore.get(peer).then((known) => known.protocols, (): string[] => []);
      // A peer that has not introduced itself yet is asked, too.
      return protocols.length === 0 || protocols.includes(CAR_PROTOCOL);
    }));
    return peers.filter((_peer, i) => ours[i]).sort(better);
  }

  function blame(standing: Standing, error: unknown): void {
    standing.failures++;
    if (isError(error, 'BLOCK_INVALID', 'BLOCK_TOO_LARGE', 'BLOCK_UNWANTED', 'CAR_INVALID')) standing.shunnedUntil = performance.now() + liarTimeoutMs;
  }

  /** The peers that say they have a block, best first; reasons of those that could not be asked are noted. */
  async function holders(cid: CID, without: ReadonlySet<Standing>, signal: AbortSignal, reasons: string[]): Promise<Standing[]> {
    const all = (await candidates()).filter((standing) => !without.has(standing)).slice(0, MAX_ROUNDS_ASKED * MAX_PEERS_ASKED);
    for (let i = 0; i < all.length; i += MAX_PEERS_ASKED) {
      const found = await holdersAmong(all.slice(i, i + MAX_PEERS_ASKED), cid, signal, reasons);
      if (found.length > 0) return found;
    }
    return [];
  }

  async function holdersAmong(asked: readonly Standing[], cid: CID, signal: AbortSignal, reasons: string[]): Promise<Standing[]> {
    const over = new AbortController();
    const until = anySignal(signal, over.signal);
    const found: Standing[] = [];
    let timer: NodeJS.Timeout | undefined;
    const { promise: enough, resolve } = Promise.withResolvers<void>();
    const answers = asked.map(async (standing) => {
      try {
        // Nothing is yielded: what counts is that it ends without an error.
        for await (const _ of askPeerForCar(libp2p, standing.peer, { roots: [cid], scope: 'ask' }, { signal: until, stallMs: askTimeoutMs, openTimeoutMs: askTimeoutMs }));
        found.push(standing);
        timer ??= setTimeout(resolve, ASK_GRACE_MS);
      } catch (error) {
        if (over.signal.aborted || isError(error, 'NOT_FOUND')) return;
        standing.failures++;
        reasons.push(messageOf(error));
      }
    });
    await Promise.race([enough, Promise.all(answers)]);
    clearTimeout(timer);
    over.abort(new Error('enough peers have it'));
    signal.throwIfAborted();
    return found.sort(better);
  }

  /** Whether anybody was met who may have it. */
  async function meet(cid: CID, signal: AbortSignal): Promise<boolean> {
    return findPeers !== undefined && (await findPeers(cid, { signal })).length > 0;
  }

  /** Takes from one peer what it has of what is missing. @returns whether anything came */
  async function drainPeer(standing: Standing, roots: readonly CID[], sink: DagSink, signal: AbortSignal): Promise<boolean> {
    const started = performance.now();
    let useful = false;
    const host = standing.indirectUntil < performance.now() ? hostOf(libp2p, standing.peer) : undefined;
    try {
      for await (const { cid, bytes } of askPeerForCar(libp2p, standing.peer, { roots, scope: 'dag' }, { ...options(signal), ...(host !== undefined && { host }) })) {
        if (!await sink.take(cid, bytes)) continue;
        useful = true;
        standing.bytes += bytes.length;
      }
      return useful;
    } catch (cause) {
      signal.throwIfAborted();
      if (host === undefined) throw cause;
      // Anybody on the way may have broken it: the peer is judged by what it says over libp2p.
      standing.indirectUntil = performance.now() + DIRECT_REST_MS;
      throw new StorageError('DIRECT_FAILED', 'the direct connection was no use', { details: messageOf(cause), cause });
    } finally {
      standing.ms += performance.now() - started;
    }
  }

  return {
    name: 'peers',
    async has(cid, { signal }) {
      const reasons: string[] = [];
      if ((await holders(cid, new Set(), signal, reasons)).length > 0) return true;
      if (await meet(cid, signal) && (await holders(cid, new Set(), signal, reasons)).length > 0) return true;
      if (reasons.length > 0) throw new StorageError('PEER_UNREACHABLE', 'not every peer could be asked', { details: reasons.slice(0, 3).join('; ') });
      return false;
    },
    async read(cid, { signal }) {
      const reasons: string[] = [];
      const left = new Set<Standing>();
      for (;;) {
        // Whoever had the last block need not be asked whether it has this one.
        const standing = likely !== undefined && !left.has(likely) ? likely : (await holders(cid, left, signal, reasons))[0];
        if (standing === undefined) break;
        left.add(standing);
        try {
          for await (const { bytes } of askPeerForCar(libp2p, standing.peer, { roots: [cid], scope: 'block' }, options(signal))) {
            verifyBlock(cid, bytes);
            likely = standing;
            return bytes;
          }
        } catch (error) {
          signal.throwIfAborted();
          if (likely === standing) likely = undefined;
          blame(standing, error);
          reasons.push(messageOf(error));
        }
      }
      signal.throwIfAborted();
      throw new StorageError('NOT_FOUND', 'no peer has it', reasons.length === 0 ? {} : { details: reasons.slice(0, 3).join('; ') });
    },
    async stream(sink, { signal }) {
      const left = new Set<Standing>();
      let met = false;
      const reasons: string[] = [];
      for (let roots = await sink.missing(); roots.length > 0; roots = await sink.missing()) {
        const standing = (await holders(roots[0]!, left, signal, reasons))[0];
        if (standing === undefined) {
          // Once for a DAG, however much of it is missing.
          if (met || !await meet(sink.root, signal)) break;
          met = true;
          continue;
        }
        try {
          if (!await drainPeer(standing, roots.slice(0, MAX_REQUEST_ROOTS), sink, signal)) left.add(standing);
        } catch (error) {
          signal.throwIfAborted();
          if (isError(error, 'DIRECT_FAILED')) continue;
          left.add(standing);
          blame(standing, error);
          reasons.push(`${standing.peer}: ${messageOf(error)}`);
        }
      }
      if (reasons.length > 0) throw new StorageError('PEER_UNREACHABLE', 'peers failed', { details: reasons.slice(0, 3).join('; ') });
    },
  };
}

/** The IP address at which a peer is connected, unless that is by way of another peer. */
function hostOf(libp2p: Libp2p, peer: PeerId): string | undefined {
  for (const { remoteAddr } of libp2p.getConnections(peer)) {
    const parts = remoteAddr.getComponents();
    if (parts.some(({ name }) => name === 'p2p-circuit')) continue;
    const host = parts.find(({ name }) => name === 'ip4' || name === 'ip6')?.value;
    if (host !== undefined) return host;
  }
  return undefined;
}

/** Fewer failures first, then whoever was faster. */
function better(a: Standing, b: Standing): number {
  return a.failures - b.failures || rate(b) - rate(a);
}

function rate({ bytes, ms }: Standing): number {
  return ms === 0 ? 0 : bytes / ms;
}
