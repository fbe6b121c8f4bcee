/** One question to a router, until the end of its answer. */
export const ROUTING_TIMEOUT_MS = 10_000;
/** Largest answer: a thousand providers of 4 KB. */
export const MAX_ROUTING_BYTES = 4 * 1024 * 1024;
/** Longest record. */
export const MAX_RECORD_BYTES = 64 * 1024;
/** Providers taken from one answer; the specification asks for at most 100. */
export const MAX_PROVIDERS = 1_000;
/** Addresses of one provider that are looked at. */
export const MAX_PROVIDER_ADDRESSES = 16;
/** What was found for a CID is not asked for again for this long. */
export const PROVIDERS_CACHE_MS = 30_000;
/** CIDs whose providers are remembered. */
export const MAX_CACHED_CIDS = 256;
/** Libp2p peers taken from routers for one CID: most of them cannot be reached. */
export const MAX_ROUTED_PEERS = 32;
/** Of these, connections made for one CID, and dials at the same time. */
export const MAX_ROUTED_DIALS = 4;
export const ROUTED_DIAL_CONCURRENCY = 8;
