import { multiaddr } from '@multiformats/multiaddr';

/** The URL of an address that speaks HTTP: `/dns4/example.org/tcp/443/https`, `/ip4/…/tcp/80/http`, `/dns/…/tls/http`, or a URL as it is; undefined for any other. */
export function httpUrlOf(address: string): URL | undefined {
  try {
    if (/^https?:\/\//.test(address)) return originOf(address);
    const parts = new Map(multiaddr(address).getComponents().map(({ name, value }) => [name, value ?? '']));
    const secure = parts.has('https') || (parts.has('http') && parts.has('tls'));
    if (!secure && !parts.has('http')) return undefined;
    const host = parts.get('dns') ?? parts.get('dns4') ?? parts.get('dns6') ?? parts.get('ip4') ?? (parts.has('ip6') ? `[${parts.get('ip6')}]` : undefined);
    if (host === undefined || parts.has('ws') || parts.has('wss')) return undefined;
    const port = parts.get('tcp');
    return originOf(`http${secure ? 's' : ''}://${host}${port === undefined ? '' : `:${port}`}/`);
  } catch {
    return undefined;
  }
}

/** Nothing but scheme, host and port: a path, a user or a password of others' making is not asked for. */
function originOf(url: string): URL {
  return new URL('/', new URL(url).origin);
}
