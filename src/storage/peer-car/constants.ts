/** Our protocol of verified CAR streams. */
export const CAR_PROTOCOL = '/gadus/car/1';
/** Roots of one request; a request of so many is 40 KiB. */
export const MAX_REQUEST_ROOTS = 1_024;
/** Largest request. */
export const MAX_REQUEST_BYTES = 128 * 1024;
/** A server gives its client this long to deliver its request. */
export const REQUEST_READ_TIMEOUT_MS = 10_000;
/** A reader that takes nothing for this long is cut off. */
export const WRITE_TIMEOUT_MS = 30_000;
/** DAGs one peer may be sent at the same time, and all peers together: with what is read ahead and buffered, 12 MiB each. */
export const STREAMS_PER_PEER = 4;
export const STREAMS_TOTAL = 16;
/** Streams of one connection beyond that, for single blocks and questions; libp2p resets more. */
export const MAX_QUESTIONS = 64;
/** Bytes kept ahead of the muxer. One window of yamux at its largest would be 16 MiB; this keeps the pipe full on a local network. */
export const WRITE_AHEAD_BYTES = 1024 * 1024;
/** Bytes read ahead of the consumer before the peer is held back. */
export const READ_AHEAD_BYTES = 4 * 1024 * 1024;
/** What may still arrive after the peer was held back: the largest window of yamux. The stream is cut off above it. */
export const READ_LIMIT_BYTES = READ_AHEAD_BYTES + 32 * 1024 * 1024;
/** Peers asked at the same time whether they have something. */
export const MAX_PEERS_ASKED = 16;
/** A peer asked whether it has something answers within this, dial included. */
export const ASK_TIMEOUT_MS = 3_000;
/** Once one peer said yes, the others get this long to say so too: the best of those is taken. */
export const ASK_GRACE_MS = 20;
/** A peer that sent wrong bytes is not asked again for this long. */
export const LIAR_TIMEOUT_MS = 600_000;
