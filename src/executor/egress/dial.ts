import { connect, isIP, type Socket } from 'node:net';
import type { Endpoint } from '../../protocol/index.ts';
import { CONNECT_TIMEOUT_MS, MAX_RESOLVED_ADDRESSES, RESOLVE_TIMEOUT_MS } from './constants.ts';
import type { NetworkRules } from './network-rules.ts';
import { isReachable } from './reachable.ts';

/** Why there is no connection: `refused` is this host's doing, `failed` that of the other end. */
export type DialFailure = { outcome: 'refused' | 'failed'; reason: string };

/**
 * Connects to a place by an address that was looked up once and checked: whatever the name means a moment later, it is that address. A name
 * with any address that is not to be reached is refused as a whole.
 */
export async function dial({ host, port }: Endpoint, { resolve, mayReach = (address) => isReachable(address) }: Required<Pick<NetworkRules, 'resolve'>> & Pick<NetworkRules, 'mayReach'>, signal: AbortSignal): Promise<Socket | DialFailure> {
  let addresses: string[];
  try {
    addresses = isIP(host) === 0 ? await within(resolve(host), RESOLVE_TIMEOUT_MS, signal) : [host];
  } catch {
    return { outcome: 'failed', reason: 'the name cannot be resolved' };
  }
  if (addresses.length === 0) return { outcome: 'failed', reason: 'the name cannot be resolved' };
  // Which address it was is nothing a job needs to know of the host's network.
  if (!addresses.every((address) => isIP(address) !== 0 && mayReach(address))) return { outcome: 'refused', reason: 'its address is not one that jobs may reach' };
  for (const address of addresses.slice(0, MAX_RESOLVED_ADDRESSES)) {
    const socket = await connected(address, port, signal);
    if (socket !== undefined) return socket;
    if (signal.aborted) break;
  }
  return { outcome: 'failed', reason: 'no connection' };
}

/** A socket that is connected, still without listeners; undefined when it could not be in time. */
function connected(address: string, port: number, signal: AbortSignal): Promise<Socket | undefined> {
  return new Promise((resolve) => {
    const socket = connect({ host: address, port, allowHalfOpen: true, noDelay: true });
    const end = (result: Socket | undefined) => {
      clearTimeout(timer);
      signal.removeEventListener('abort', give);
      socket.removeAllListeners('connect');
      socket.removeAllListeners('error');
      if (result === undefined) {
        socket.on('error', () => undefined);
        socket.destroy();
      }
      resolve(result);
    };
    const give = () => end(undefined);
    const timer = setTimeout(give, CONNECT_TIMEOUT_MS);
    signal.addEventListener('abort', give, { once: true });
    socket.once('connect', () => end(socket));
    socket.once('error', give);
    if (signal.aborted) give();
  });
}

async function within<T>(promise: Promise<T>, ms: number, signal: AbortSignal): Promise<T> {
  const { promise: late, reject } = Promise.withResolvers<never>();
  const give = () => reject(new Error('too late'));
  const timer = setTimeout(give, ms);
  signal.addEventListener('abort', give, { once: true });
  if (signal.aborted) give();
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
    signal.removeEventListener('abort', give);
  }
}
