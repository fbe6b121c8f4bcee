/** Bytes of one stream that either side may send before the other has passed them on: all that is kept of a stream. */
export const WINDOW_BYTES = 256 * 1024;
/** Bytes in one frame: other streams wait no longer than for these. */
export const MAX_BYTES_OF_FRAME = 64 * 1024;
/** Longest frame of a tunnel: type, stream, bytes. */
export const MAX_TUNNEL_FRAME_BYTES = 1 + 4 + MAX_BYTES_OF_FRAME;
/** Passed-on bytes at which the other side is told. Less than the window by more than one frame, so that neither waits for the other. */
export const CREDIT_BYTES = WINDOW_BYTES / 4;
/** Chunks smaller than this are kept together: a guest that sends byte by byte costs no more memory than another. */
export const SMALL_CHUNK_BYTES = 4096;
/** Most streams at a time, whatever a node's operator allows; the agent keeps to half of it. */
export const MAX_STREAMS = 1024;
