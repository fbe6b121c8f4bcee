/** Longest error of a source in a receipt that a node shows to others, characters. */
export const MAX_RECEIPT_ERROR_CHARS = 300;
/** Most replicas of one job: the committed, opened and rejected sets are 16-bit masks on chain. */
export const MAX_REPLICAS = 15;
/** Most places on the network that one job may name: each is recorded in its evidence. */
export const MAX_NETWORK_ENDPOINTS = 16;
/** Most bids one assignment looks at; bounds its gas. */
export const MAX_BIDS = 16;
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
