/** Longest error of a source in a receipt that a node shows to others, characters. */
export const MAX_RECEIPT_ERROR_CHARS = 300;
/** Most replicas of one job: the committed, opened and rejected sets are 16-bit masks on chain. */
export const MAX_REPLICAS = 15;
/** Most places on the network that one job may name: each is recorded in its evidence. */
export const MAX_NETWORK_ENDPOINTS = 16;
/** Most bids one assignment looks at; bounds its gas. */
export const MAX_BIDS = 16;
/** Most shards of one job: their sketches, 2 MB, fit in memory many times over, and a proof in an opening has at most 14 hashes. */
export const MAX_SHARDS = 10_000;
/** Most files of one shard: each is mounted by itself, as inputs are, of which a job may have as many. */
export const MAX_FILES_PER_SHARD = 100;
/** Longest path of a file in a job, bytes: Linux's PATH_MAX with its end. */
export const MAX_JOB_PATH_BYTES = 4095;
/** Largest canonical job spec: it travels in one gossip message. */
export const MAX_SPEC_BYTES = 64 * 1024;
/** Largest request/response message (sealed evidence is the biggest: an hour's trace is about 10 MB before compression). */
export const MAX_MESSAGE_BYTES = 16 * 1024 * 1024;
/** Largest opened window: 50 samples of 15 channels as float64, and 64 files with the longest paths there are. */
export const MAX_WINDOW_BYTES = 512 * 1024;
/** Largest sketch the contract compares. */
export const MAX_SKETCH_BYTES = 256;
/** Basis points in one. */
export const BPS = 10_000;

/** One success, in the fixed-point unit of the on-chain reputation counts (8 fractional bits). */
export const REPUTATION_ONE = 256;
/** Pseudo-standard-deviations the score stays below the mean: the one-sided 95 % bound of a normal distribution. */
export const SCORE_Z_MILLI = 1645n;
/** Days after which decayed counts are zero: (31/32)^255 * 65535 < 21, and the loop on chain stays short. */
export const DECAY_LIMIT_DAYS = 255;
/** Days in which the decay (31/32 a day) halves a count: ln 2 / ln(32/31) = 21.8. */
export const DECAY_HALF_LIFE_DAYS = 22;

/** Fractional bits of the logarithm in the draw. */
export const LOG2_FRACTION_BITS = 24;
/** A full local copy of the input multiplies a bid's weight by 1 + this. */
export const LOCALITY_BONUS = 3n;
/** A low price raises a bid's weight at most by this factor. */
export const MAX_PRICE_ADVANTAGE = 4n;

/** Parts of the assignment's window in which a job's reach is widened fourfold each; in the last there is no bound. */
export const REACH_STEPS = 8;

/** Chunk of the possession tree: small enough that eight of them with their proofs fit one message to the chain. */
export const POSSESSION_CHUNK_BYTES = 2048;
/** Chunks a seed picks: who holds nine tenths of the input lacks one of them with a chance of 57 %, who holds half with 99.6 %. */
export const POSSESSION_PICKS = 8;

/** Most seats of a job that can be widened: 2k + 1 must be at most 15. */
export const MAX_WIDENED_REPLICAS = 7;
/** Blocks to post bids in, after the seed's, before newcomers are drawn. */
export const WIDENING_BLOCKS = 3;
/** Part of the assignment's window in which bids for a widening are posted; its inverse. */
export const WIDENING_POST_PART = 4;
/** Part of its stake that a seat loses for deviating in a widened job, basis points. */
export const CHECK_BPS = 5000;
/** Part of that which goes to who called for the check, basis points. */
export const INFORMER_BPS = 1000;
/** How many times dearer than it saves cheating must be. */
export const AUDIT_MARGIN = 2;
/** Share of cheats that a check by two fresh nodes is taken to find: what traces alone catch of nine tenths of the work (docs/evidence.md). */
export const AUDIT_DETECTION = 0.95;
/** Nobody is beyond checks: who knew himself to be would be trusted for nothing. */
export const AUDIT_FLOOR_BPS = 100;
/** Most blocks between a submit and its seed: the contract's constructor takes no longer delay. */
export const MAX_SEED_DELAY_BLOCKS = 256n;
