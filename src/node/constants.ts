/** Distance of trace samples, ms: ten samples in the shortest job worth telling apart, under 1 % of a core. */
export const SAMPLE_INTERVAL_MS = 20;
/** A run of which fewer than this share of the samples was taken that were due in it may be made again. */
export const AGAIN_SAMPLED_SHARE = 0.5;
/** Fewer samples than these are too few to miss. */
export const AGAIN_MIN_MISSED = 3;
/** Most runs of one replica: a machine that is so crowded three times over will be so a fourth time. */
export const MAX_WATCHED_RUNS = 3;
/** Share of the commit window within which a second run must have ended: publishing and the message to the chain come after it. */
export const AGAIN_WINDOW_SHARE = 0.5;
/** How often due deadlines are looked for, ms: deadlines are whole seconds. */
export const TICK_MS = 1000;
/** Seconds a node leaves the client to move a job on before it does so itself: two messages for one step cost one of them its gas. */
export const POKE_GRACE_SECONDS = 5;
/** Share of the commit window after which a node carries its own commitment to the chain, in case the client does not. */
export const SELF_COMMIT_SHARE = 0.7;
/** Wait for gossip before a node asks its peers for a job it only saw on chain, ms; twice as long before each further time. */
export const ANNOUNCEMENT_GRACE_MS = 1500;
/** Times it asks: the last is six minutes after the submit, when most jobs are assigned or given up. */
export const ANNOUNCEMENT_ASKS = 8;
/** One peer's answer to that, ms: the next peer may know. */
export const ANNOUNCEMENT_ASK_TIMEOUT_MS = 3000;
/** Jobs of which is remembered that they were announced. */
export const MAX_HEARD_JOBS = 10_000;
/** Most jobs a node bids for or runs at a time, beyond which it stays silent. */
export const MAX_PENDING_JOBS = 256;
/** Log kept in memory for late followers of one replica, bytes a stream. */
export const LOG_HISTORY_BYTES = 1 << 20;
/** Samples kept of a run for who looks on, some 30 kB: more would not be visible in a small curve. */
export const LIVE_SAMPLES = 240;
/** Attempts to hand the client a commitment or bid before the chain is the way. */
export const DELIVERY_ATTEMPTS = 3;
/** Statements handed to clients at a time: below what a peer grants one asker. */
export const MAX_DELIVERIES = 8;
/** Wait between such attempts, ms. */
export const DELIVERY_RETRY_MS = 500;
/** Seconds that must remain of the commit window, beyond the job's own time limit, for a node to bid: fetching, publishing, one message. */
export const COMMIT_MARGIN_SECONDS = 5;
/** Lines of its diary that a node keeps at hand: those of the last hours of a node with little to do. */
export const DIARY_LINES = 200;
/** How often storage is rid of what is not needed any more, ms: a look at every block, so not often. */
export const COLLECT_INTERVAL_MS = 3_600_000;
/** Jobs not bid for whose events are kept: those of some hours on a busy chain. */
export const MAX_EARLY_JOBS = 10_000;
/** How often a bid that waits for the draw's seed looks for it, ms: blocks take longer where it matters. */
export const SEED_POLL_MS = 250;
/** Longest such wait, ms: a submit that has not come by then does not come. */
export const SEED_WAIT_MS = 600_000;
/** Longest look at a directory that a job splits, before a bid, ms: its folders may have to come from the client. */
export const SHARD_PLAN_TIMEOUT_MS = 20_000;
/** Share of a widening's window after which a node posts a bid that the client took and has not posted: half of the time there is for that. */
export const POST_SHARE = 0.125;
/** Inputs up to this size are read for their root while a bid waits, bytes: a second or so. Larger ones are read beside it, for the next bid. */
export const INLINE_ROOT_BYTES = 64 * 1024 * 1024;
/** What of an input is read and checked at once for a claim, bytes: eight of these a bid, and a hash each is remembered; a multiple of the chunk. */
export const POSSESSION_SEGMENT_BYTES = 1024 * 1024;
