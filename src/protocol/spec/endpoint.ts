import { ProtocolError } from '../base/errors.ts';

/** A place on the network: a host name in lower case without final dot, or an IP address without brackets, and a TCP port. */
export interface Endpoint { host: string; port: number }

const NAME = /^(?=.{1,253}$)[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?(\.[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?)*$/;
const IPV4 = /^(25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)(\.(25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)){3}$/;
const IPV6 = /^(?=.*:.*:)[0-9a-f:.]{2,45}$/;

/**
 * Reads `host:port`; an IPv6 address stands in brackets. What a resolver would take for an address in another spelling (`127.1`,
 * `0x7f000001`) is refused.
 *
 * @throws ProtocolError ENDPOINT_INVALID
 * @example parseEndpoint('Example.org:443') // { host: 'example.org', port: 443 }
 */
export function parseEndpoint(text: string): Endpoint {
  const [, bracketed, plain, digits = ''] = /^(?:\[([^\]]*)\]|([^:[\]]*)):(\d{1,5})$/.exec(text) ?? [];
  const host = (bracketed ?? plain ?? '').toLowerCase().replace(/\.$/, '');
  const port = Number(digits);
  const last = host.split('.').at(-1)!;
  const valid = bracketed === undefined ? IPV4.test(host) || (NAME.test(host) && !/^(\d+|0x[0-9a-f]*)$/.test(last)) : IPV6.test(host);
  if (valid && port >= 1 && port <= 65_535) return { host, port };
  throw new ProtocolError('ENDPOINT_INVALID', 'not a host and a port', { details: JSON.stringify(text).slice(0, 300), hint: 'write example.org:443, 192.0.2.1:80 or [2001:db8::1]:443' });
}

/** `host:port` as `parseEndpoint` reads it. */
export function formatEndpoint({ host, port }: Endpoint): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}
