import { setTimeout as sleep } from 'node:timers/promises';
import type { Libp2p, PeerId } from '@libp2p/interface';
import type { Multiaddr } from '@multiformats/multiaddr';
import { anySignal } from '../../protocol/base/any-signal.ts';
import { parseAddress, peerOf } from './addresses.ts';
import { BOOTSTRAP_DIAL_TIMEOUT_MS, BOOTSTRAP_RETRY_MIN_MS } from '../constants.ts';

/**
 * Keeps the host connected to its bootstrap peers, whichever side starts first: dials each at once, again with growing pauses up
 * to `retryMaxMs`, and again when a connection is lost. Ends with the signal.
 *
 * @throws NetworkError ADDRESS_INVALID
 */
export function keepConnected(host: Libp2p, addresses: readonly string[], { retryMaxMs, signal }: { retryMaxMs: number; signal: AbortSignal }): void {
  for (const address of addresses.map(parseAddress)) {
    // Ends only by the signal; there is nobody to tell of a refused dial, the next one is coming.
    keepOne(host, address, peerOf(address), retryMaxMs, signal).catch(() => {});
  }
}

async function keepOne(host: Libp2p, address: Multiaddr, known: PeerId | undefined, retryMaxMs: number, signal: AbortSignal): Promise<void> {
  let peer = known;
  let pauseMs = BOOTSTRAP_RETRY_MIN_MS;
  while (!signal.aborted && (peer === undefined || !peer.equals(host.peerId))) {
    if (peer === undefined || host.getConnections(peer).length === 0) {
      try {
        const connection = await host.dial(address, { signal: anySignal(signal, AbortSignal.timeout(BOOTSTRAP_DIAL_TIMEOUT_MS)) });
        peer = connection.remotePeer;
      } catch {
        await sleep(pauseMs, undefined, { signal, ref: false });
        pauseMs = Math.min(pauseMs * 1.5, retryMaxMs);
        continue;
      }
    }
    pauseMs = BOOTSTRAP_RETRY_MIN_MS;
    await disconnected(host, peer, signal);
  }
}

function disconnected(host: Libp2p, peer: PeerId, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const check = () => {
      if (!signal.aborted && host.getConnections(peer).length > 0) return;
      host.removeEventListener('peer:disconnect', check);
      signal.removeEventListener('abort', check);
      resolve();
    };
    host.addEventListener('peer:disconnect', check);
    signal.addEventListener('abort', check);
    check();
  });
}
