import { MAX_BLOCK_BYTES } from '../constants.ts';

export const BITSWAP_PROTOCOL = '/ipfs/bitswap/1.2.0';

/** Largest message taken: 4 MiB is what other implementations send at the most, and its envelope. */
export const MAX_MESSAGE_BYTES = 4 * 1024 * 1024 + 64 * 1024;
/** Blocks and answers of one message: others send a thousand at the most, and each costs a turn of the parser. */
export const MAX_MESSAGE_PARTS = 32_768;
/** One message, sent or received, however its bytes trickle: 4 MiB at 70 kB/s. */
export const MESSAGE_TIMEOUT_MS = 60_000;
/** What of one wantlist is looked at: more wants than one peer may have. What comes behind it is passed over. */
export const MAX_WANTLIST_BYTES = 256 * 1024;
/** Longest CID in a message: what other implementations take. */
export const MAX_WANTED_CID_BYTES = 168;
/** Longest envelope of a block, beside its bytes: the head of a CID, and lengths. */
export const MAX_BLOCK_ENVELOPE_BYTES = 64;
/** Largest message field that carries a block. */
export const MAX_BLOCK_FIELD_BYTES = MAX_BLOCK_BYTES + MAX_BLOCK_ENVELOPE_BYTES;

/** Streams a peer may have open to us: others open one for each of a burst of messages; libp2p resets more. */
export const MAX_INBOUND_STREAMS = 64;
/** Bytes read ahead of the parser before the peer is held back. */
export const READ_AHEAD_BYTES = 256 * 1024;
/** Blocks of one peer that come in at the same time, on as many streams: more wait. Others send one or two. */
export const MAX_BLOCKS_COMING = 4;
/** What a peer may send that is of no use, beyond a block for each want: that one may have been cancelled meanwhile. */
export const MAX_UNASKED_BYTES = 64 * 1024 * 1024;
/** What a small thing that was not asked for counts for: it costs more to look at than its bytes. */
export const UNASKED_ITEM_BYTES = 1024;

/** Wants of one peer that are remembered, as in other implementations; more are not heard. */
export const MAX_WANTS_PER_PEER = 1_024;
/** Peers that are being sent a message at the same time: with what is read and buffered, 4 MiB each. The others wait for their turn. */
export const MAX_PEERS_SERVED = 32;
/** Blocks and answers go together until there are so many bytes. */
export const ANSWER_BYTES = 64 * 1024;
/** Answers without a block that go together. */
export const ANSWER_PRESENCES = 512;
/** Who asks whether we have a block that is as small as this gets it at once. */
export const BLOCK_INSTEAD_OF_HAVE_BYTES = 1024;
/** Bytes kept ahead of the muxer: hides the disk's latency. */
export const WRITE_AHEAD_BYTES = 512 * 1024;
/** A stream on which nothing was sent for this long is closed, and the next message opens another. */
export const STREAM_IDLE_MS = 2_000;

/** A peer that was asked for a block and has sent nothing at all for this long is given up. */
export const PEER_SILENCE_TIMEOUT_MS = 10_000;
/** After this much silence wants are repeated, then after twice as much: a message may have been lost with its stream. */
export const PEER_REPEAT_MS = 3_000;
/** How often silence is looked for. */
export const PEER_CHECK_MS = 50;
/** Blocks remembered as asked for: who sends one of them late sends no wrong bytes. */
export const MAX_ASKED_REMEMBERED = 8_192;
/** A process that was started so short a time ago may be sent what its predecessor asked for. */
export const RESTART_GRACE_MS = 120_000;
/** Entries of one message of ours. */
export const WANTS_PER_MESSAGE = 512;
/** A peer that sent wrong bytes is not asked again for this long, nor listened to. */
export const LIAR_TIMEOUT_MS = 600_000;
/** Peers remembered for that; the oldest is forgiven when there are more. */
export const MAX_LIARS_REMEMBERED = 1_024;
