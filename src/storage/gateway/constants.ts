/** Media types of the trustless gateway specification. */
export const RAW_TYPE = 'application/vnd.ipld.raw';
export const CAR_TYPE = 'application/vnd.ipld.car';

/** A gateway's first answer: connection, its own search for the data, the head of the response. */
export const GATEWAY_HEAD_TIMEOUT_MS = 20_000;
/** Asking a gateway whether it has a block at hand. */
export const GATEWAY_ASK_TIMEOUT_MS = 5_000;
/** Redirects followed: gateways redirect to a canonical host, and that one perhaps to a mirror. */
export const MAX_REDIRECTS = 3;
/** A gateway that served wrong bytes is not asked again for this long. */
export const GATEWAY_LIAR_TIMEOUT_MS = 600_000;
/** Failures after which a gateway is left alone, and for how long: one may be down, a list may be long. */
export const GATEWAY_FAILURES = 3;
export const GATEWAY_REST_MS = 60_000;
/** Hosts of a list that are asked at the same time whether they have something, and for how long in all: a thousand dead ones cost no more. */
export const PROBE_CONCURRENCY = 32;
export const PROBE_TIMEOUT_MS = 10_000;
/** Hosts that others named and that are tried for one block. A longer list is first asked who has it. */
export const MAX_GATEWAYS_TRIED = 8;
/** Roots for which a CAR each is asked of a gateway in one go: a file that lacks more is better read block by block. */
export const MAX_CAR_ROOTS = 64;

/** Requests the gateway server answers at the same time; more are told to come back (429). */
export const SERVE_CONCURRENCY = 32;
/** Of these, most of one address: as many blocks as one of our own fetches asks for at a time, and never all. */
export const SERVE_PER_ADDRESS = 24;
/** Requests of one address in a minute. */
export const SERVE_PER_MINUTE = 600;
/** Bytes of blocks that an answer may repeat, when repeats are asked for: a DAG of twenty blocks may have a million paths. More of a file of zeros is asked for by ranges. */
export const MAX_REPEATED_ANSWER_BYTES = 16 * 1024 ** 3;
/** Addresses whose requests are counted; the oldest are forgotten. */
export const MAX_ADDRESSES = 10_000;
/** A reader that takes nothing for this long is cut off. */
export const SERVE_STALL_MS = 30_000;
/** Longest path, and most segments of it. */
export const MAX_PATH_BYTES = 4_096;
export const MAX_PATH_SEGMENTS = 64;
/** What clients are told to wait when there is too much to do, seconds. */
export const RETRY_AFTER_S = 10;
/** A year: what a CID names does not change. */
export const IMMUTABLE = 'public, max-age=29030400, immutable';
