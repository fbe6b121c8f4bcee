import { isPeerId, type Libp2p, type PeerId } from '@libp2p/interface';
import { peerIdFromString } from '@libp2p/peer-id';
import { multiaddr, type Multiaddr } from '@multiformats/multiaddr';
import { messageOf } from '../../protocol/base/errors.ts';
import { MAX_ADDRS } from '../../protocol/wire/messages.ts';
import { NetworkError } from '../errors.ts';

/** Whom to talk to: a known peer, or where it listens (all addresses of one peer). */
export type Target = PeerId | string | Multiaddr | readonly (string | Multiaddr)[];

/** Where a host listens, as it tells others: no more of it than a message takes. */
export function ownAddresses(host: Pick<Libp2p, 'getMultiaddrs'>): string[] {
  return host.getMultiaddrs().map(String).slice(0, MAX_ADDRS);
}

/** Parses a multiaddr. @throws NetworkError ADDRESS_INVALID */
export function parseAddress(text: string): Multiaddr {
  try {
    return multiaddr(text);
  } catch (cause) {
    throw new NetworkError('ADDRESS_INVALID', 'not a multiaddr', { details: text.slice(0, 200), cause });
  }
}

/** The peer named by the address's last /p2p part. @throws NetworkError ADDRESS_INVALID */
export function peerOf(address: Multiaddr): PeerId | undefined {
  const id = address.getComponents().findLast((component) => component.name === 'p2p')?.value;
  if (id === undefined) return undefined;
  try {
    return peerIdFromString(id);
  } catch (cause) {
    throw new NetworkError('ADDRESS_INVALID', 'the address names no valid peer', { details: messageOf(cause), cause });
  }
}

/** What libp2p dials. @throws NetworkError ADDRESS_INVALID for addresses that do not parse, are none, or belong to different peers */
export function dialTargetOf(target: Target): PeerId | Multiaddr[] {
  if (isPeerId(target)) return target;
  const addresses = (Array.isArray(target) ? target : [target]).map((a: string | Multiaddr) => (typeof a === 'string' ? parseAddress(a) : a));
  if (addresses.length === 0) throw new NetworkError('ADDRESS_INVALID', 'the peer gave no address');
  const peers = new Set(addresses.map((address) => peerOf(address)?.toString()));
  if (peers.size > 1) throw new NetworkError('ADDRESS_INVALID', 'the addresses belong to different peers');
  return addresses;
}

/** The target in words, for errors. */
export function describeTarget(target: Target): string {
  return Array.isArray(target) ? target.map(String).join(', ').slice(0, 300) : String(target);
}
