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
