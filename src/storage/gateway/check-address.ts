import { lookup } from 'node:dns';
import { BlockList, isIP, type LookupFunction } from 'node:net';
import { StorageError } from '../errors.ts';

/** Addresses that are nobody's on the public network (RFC 6890 and its successors). */
const PRIVATE = new BlockList();
for (const [network, prefix] of [
  ['0.0.0.0', 8], ['10.0.0.0', 8], ['100.64.0.0', 10], ['127.0.0.0', 8], ['169.254.0.0', 16], ['172.16.0.0', 12], ['192.0.0.0', 24], ['192.0.2.0', 24],
  ['192.88.99.0', 24], ['192.168.0.0', 16], ['198.18.0.0', 15], ['198.51.100.0', 24], ['203.0.113.0', 24], ['224.0.0.0', 4], ['240.0.0.0', 4],
] as const) PRIVATE.addSubnet(network, prefix, 'ipv4');
for (const [network, prefix] of [
  ['::', 128], ['::1', 128], ['64:ff9b::', 96], ['64:ff9b:1::', 48], ['100::', 64], ['2001::', 23], ['2001:db8::', 32], ['2002::', 16], ['3fff::', 20], ['5f00::', 16],
  ['fc00::', 7], ['fe80::', 10], ['fec0::', 10], ['ff00::', 8],
] as const) PRIVATE.addSubnet(network, prefix, 'ipv6');

/** Whether an address is one of this machine, of a private network, or of no network at all. IPv4 in IPv6 counts as the IPv4 address. */
export function isPrivateAddress(address: string): boolean {
  const family = isIP(address);
  if (family === 0) return true;
  // BlockList looks through ::ffff:a.b.c.d by itself.
  return PRIVATE.check(address, family === 4 ? 'ipv4' : 'ipv6');
}

/** @throws StorageError ADDRESS_REFUSED for a literal address that is not public */
export function checkHost(hostname: string): void {
  const address = hostname.replace(/^\[|\]$/g, '');
  if (isIP(address) !== 0 && isPrivateAddress(address)) throw refused(hostname, address);
}

/**
 * Resolves names as `dns.lookup` does, and lets only public addresses through: it is asked by the very connection that is about to be
 * made, so a name cannot resolve to one address when it is checked and to another when it is used.
 */
export const lookupPublic: LookupFunction = (hostname, options, callback) => {
  lookup(hostname, { ...options, all: true }, (error, addresses) => {
    if (error !== null) return callback(error, '');
    const bad = addresses.find(({ address }) => isPrivateAddress(address));
    if (bad !== undefined) return callback(refused(hostname, bad.address), '');
    if (options.all === true) return callback(null, addresses);
    const first = addresses[0];
    if (first === undefined) return callback(refused(hostname, 'nothing'), '');
    callback(null, first.address, first.family);
  });
};

function refused(hostname: string, address: string): StorageError {
  return new StorageError('ADDRESS_REFUSED', 'the host is not on the public network', { details: `${hostname} is ${address}`, hint: 'only hosts that the configuration names may be local' });
}
