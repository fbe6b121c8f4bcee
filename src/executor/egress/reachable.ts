import { BlockList, isIP } from 'node:net';
import { networkInterfaces } from 'node:os';

/**
 * What no job reaches: this host, its neighbours, and what is no host at all. IANA's special-purpose registries (RFC 6890 and later
 * entries), multicast, and every form of IPv6 that hides an IPv4 address. Metadata services are link-local (169.254.169.254,
 * fd00:ec2::254) or in the carriers' range (100.100.100.200).
 */
const BLOCKED_IPV4 = [
  '0.0.0.0/8', '10.0.0.0/8', '100.64.0.0/10', '127.0.0.0/8', '169.254.0.0/16', '172.16.0.0/12', '192.0.0.0/24', '192.0.2.0/24', '192.31.196.0/24', '192.52.193.0/24',
  '192.88.99.0/24', '192.168.0.0/16', '192.175.48.0/24', '198.18.0.0/15', '198.51.100.0/24', '203.0.113.0/24', '224.0.0.0/4', '240.0.0.0/4', '168.63.129.16/32',
];
/** Of IPv6 only global unicast is reached (2000::/3), without Teredo, ORCHID, documentation and 6to4. */
const GLOBAL_IPV6 = '2000::/3';
const BLOCKED_IPV6 = ['2001::/23', '2001:db8::/32', '2002::/16', '3fff::/20', '2620:4f:8000::/48'];

const blocked = new BlockList();
const global = new BlockList();
const add = (list: BlockList, subnet: string, family: 'ipv4' | 'ipv6') => {
  const [address = '', bits] = subnet.split('/');
  list.addSubnet(address, Number(bits), family);
};
for (const subnet of BLOCKED_IPV4) add(blocked, subnet, 'ipv4');
for (const subnet of BLOCKED_IPV6) add(blocked, subnet, 'ipv6');
add(global, GLOBAL_IPV6, 'ipv6');

/**
 * Whether a job may be connected to an address: one of the public Internet that is not this machine's own.
 *
 * @param own addresses of this machine
 */
export function isReachable(address: string, own: readonly string[] = ownAddresses()): boolean {
  const family = isIP(address);
  if (family === 0 || address.includes('%')) return false;
  if (family === 4) return !blocked.check(address, 'ipv4') && !own.includes(address);
  if (!global.check(address, 'ipv6') || blocked.check(address, 'ipv6')) return false;
  const self = new BlockList();
  for (const mine of own) if (isIP(mine) === 6) self.addAddress(mine, 'ipv6');
  return !self.check(address, 'ipv6');
}

function ownAddresses(): string[] {
  return Object.values(networkInterfaces()).flatMap((addresses) => addresses ?? []).map(({ address }) => address.split('%')[0]!);
}
