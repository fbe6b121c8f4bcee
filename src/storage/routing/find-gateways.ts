import type { CID } from 'multiformats/cid';
import type { Gateway } from '../gateway/ask-gateway.ts';
import { blockKey } from '../unixfs/links.ts';
import { MAX_CACHED_CIDS, PROVIDERS_CACHE_MS } from './constants.ts';
import { findProviders } from './find-providers.ts';
import { httpUrlOf } from './http-url-of.ts';

/** The protocol name of hosts that speak the trustless gateway protocol. */
export const GATEWAY_PROTOCOL = 'transport-ipfs-gateway-http';

/**
 * Makes a function that finds HTTP hosts for a CID by asking routers, all at once; what they said is remembered for a while. A router
 * that fails is none: its error surfaces only when all of them fail.
 *
 * @param privateHosts whether hosts on this machine or network are believed: on a private network
 */
export function createGatewayFinder(routers: readonly URL[], { timeoutMs, privateHosts = false }: { timeoutMs?: number; privateHosts?: boolean } = {}): (cid: CID, options: { signal: AbortSignal }) => Promise<Gateway[]> {
  const known = new Map<string, { gateways: Gateway[]; until: number }>();
  return async (cid, { signal }) => {
    const key = blockKey(cid);
    const remembered = known.get(key);
    if (remembered !== undefined && remembered.until > performance.now()) return remembered.gateways;
    const errors: unknown[] = [];
    const hosts = new Map<string, Gateway>();
    await Promise.all(routers.map(async (router) => {
      try {
        for await (const { addrs } of findProviders(router, cid, { signal, protocols: [GATEWAY_PROTOCOL], ...(timeoutMs !== undefined && { timeoutMs }) })) {
          const url = addrs.map(httpUrlOf).find((one) => one !== undefined);
          if (url !== undefined && !hosts.has(url.host)) hosts.set(url.host, { url, trusted: privateHosts, found: true });
        }
      } catch (error) {
        signal.throwIfAborted();
        errors.push(error);
      }
    }));
    if (hosts.size === 0 && routers.length > 0 && errors.length === routers.length) throw errors[0];
    const gateways = [...hosts.values()];
    known.delete(key);
    known.set(key, { gateways, until: performance.now() + PROVIDERS_CACHE_MS });
    if (known.size > MAX_CACHED_CIDS) known.delete(known.keys().next().value!);
    return gateways;
  };
}
