/** Where a job finds its proxy, in its own network namespace: squid's port, which people know. */
export const PROXY_PORT = 3128;
/** Longest lookup of a name. */
export const RESOLVE_TIMEOUT_MS = 10_000;
/** Longest wait for a connection to one address. */
export const CONNECT_TIMEOUT_MS = 10_000;
/** Addresses of a name that are tried. */
export const MAX_RESOLVED_ADDRESSES = 4;
/** Longest silence of a connection, in both directions; what lasts longer is taken for dead. */
export const IDLE_TIMEOUT_MS = 120_000;
/** Longest wait for all of a request's head. */
export const HEAD_TIMEOUT_MS = 30_000;
/** Requests that a job may send on one connection before the first is answered: no client of today does, and each is held in memory. */
export const MAX_REQUESTS_AHEAD = 16;
/** Longest head of a request: Node's own limit. */
export const MAX_HEAD_BYTES = 16 * 1024;
/** Longest wait for a listener in a job's network namespace: a Node process starts for it. */
export const LISTENER_TIMEOUT_MS = 30_000;
