/** Our protocol of verified CAR streams. */
export const CAR_PROTOCOL = '/gadus/car/1';
/** Roots of one request; a request of so many is 40 KiB. */
export const MAX_REQUEST_ROOTS = 1_024;
/** Largest request. */
export const MAX_REQUEST_BYTES = 128 * 1024;
/** A server gives its client this long to deliver its request. */
export const REQUEST_READ_TIMEOUT_MS = 10_000;
/** DAGs one peer may be sent at the same time, and all peers together: with what is read ahead and buffered, 12 MiB each. */
export const STREAMS_PER_PEER = 4;
export const STREAMS_TOTAL = 16;
/** Streams of one connection beyond that, for single blocks and questions; libp2p resets more. */
export const MAX_QUESTIONS = 64;
/** A peer asked whether it has something answers within this, dial included. */
export const ASK_TIMEOUT_MS = 3_000;
/** Once one peer said yes, the others get this long to say so too: the best of those is taken. */
export const ASK_GRACE_MS = 20;
/** A peer that sent wrong bytes is not asked again for this long. */
export const LIAR_TIMEOUT_MS = 600_000;

/** First bytes of a direct connection: what answers at another's port by mistake must not take the rest for its own language. */
export const DIRECT_MAGIC = 'gadus-car/1\n';
/** A direct connection is there within this: the address and the network are those of a connection that is up. */
export const DIRECT_CONNECT_TIMEOUT_MS = 2_000;
/** What was offered to a peer is taken up within this, connection included. */
export const DIRECT_OFFER_TIMEOUT_MS = 5_000;
/** Connections that have not said yet what they come for, of all peers together. */
export const MAX_DIRECT_STRANGERS = 64;
/** A peer that could not be reached directly, or whose direct stream went wrong, is asked by libp2p alone for this long. */
export const DIRECT_REST_MS = 600_000;
/** Read from a direct connection at once: a call for each costs as much as the copying of so many bytes. */
export const DIRECT_READ_BYTES = 256 * 1024;
/** Small blocks are sent together until there are so many bytes. */
export const SEND_BATCH_BYTES = 128 * 1024;
