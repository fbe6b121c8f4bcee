/** A stream of which no byte came for this long is left for the next place; as long as a single block may take before it is overtaken. */
export const STREAM_STALL_MS = 8_000;
/** One block of a stream, however its bytes trickle: 2 MiB at 47 kB/s. */
export const STREAM_BLOCK_TIMEOUT_MS = 45_000;
/** Blocks of a stream being written at the same time: bounds memory at 16 MiB, and a disk's latency hides behind it. */
export const STREAM_WRITES = 8;
/** Bytes of blocks already here that a stream may repeat beyond as many bytes as were useful: a CAR may carry duplicates, not only duplicates. */
export const MAX_REPEATED_BYTES = 64 * 1024 * 1024;
/** Blocks read ahead of the one being sent: hides the disk's latency, bounds memory at 8 MiB a stream. */
export const SEND_AHEAD_BLOCKS = 4;
/** Small blocks being read of a stream when the next are read, many together. */
export const SEND_AHEAD_SMALL = 64;
/** Blocks of one answer: bounds what a request makes its server remember at 100 MiB; whoever wants more asks again for what is missing. */
export const MAX_ANSWER_BLOCKS = 1_000_000;
/** Smaller memory than this is left to the garbage collector, which is good at it. */
export const MIN_POOLED_BYTES = 64 * 1024;
/** Smaller memory is not freed by hand: above Node's own pool of small buffers it has no other user. */
export const MIN_DROPPED_BYTES = 16 * 1024;
/** Buffers of the largest block that are kept for the next ones: what one stream has on its way. */
export const MAX_POOLED_BUFFERS = 8;
/** A peer that takes nothing for this long is cut off. */
export const WRITE_TIMEOUT_MS = 30_000;
/** Bytes kept ahead of the muxer. One window of yamux at its largest would be 16 MiB; this keeps the pipe full on a local network. */
export const WRITE_AHEAD_BYTES = 1024 * 1024;
/** Bytes read ahead of the consumer before the peer is held back. */
export const READ_AHEAD_BYTES = 4 * 1024 * 1024;
/** What may still arrive after the peer was held back: the largest window of yamux. The stream is cut off above it. */
export const READ_LIMIT_BYTES = READ_AHEAD_BYTES + 32 * 1024 * 1024;
/** Bytes sent and received on streams of libp2p between two collections of young garbage: each byte leaves two or three of it, and a collection takes a millisecond. */
export const YOUNG_GARBAGE_BYTES = 2 * 1024 * 1024;
/** The same of all garbage: a block leaves 30 KB in the heap, and a collection takes 40 ms. */
export const OLD_GARBAGE_BYTES = 128 * 1024 * 1024;
