/** A provider's first answer: it may have to look in many sectors, and is not asked to unseal. */
export const PIECE_HEAD_TIMEOUT_MS = 20_000;
/** Bytes asked of a provider at once, held in memory: one that fails costs no more than so many, and paying ahead no more either. */
export const PIECE_RANGE_BYTES = 8 * 1024 * 1024;
/** A piece whose index could not be read is not tried again for this long. */
export const PIECE_RETRY_MS = 60_000;
/** Blocks in a row that a stream of a piece may carry without use, before the rest is read where it lies: they cost bytes. */
export const MAX_UNWANTED_BLOCKS = 32;
/** Silence of all providers together; each of them is left after less. */
export const PIECE_STALL_MS = 300_000;
