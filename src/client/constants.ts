/** How long bids are gathered after the announcement even when there are enough, ms: a draw among more bidders is a better draw. */
export const BID_WAIT_MS = 2000;
/** Shortest wait for bids after the draw's seed, where it decides what they say, ms: who holds the input reads mebibytes of it then, and others need not be faster. */
export const CLAIM_WAIT_MS = 600;
/** Longest wait for nodes' word on which engines they have, ms: who is slower is not counted. */
export const ENGINES_WAIT_MS = 500;
/** How long their answers serve, ms: engines come and go with a node's restart. */
export const ENGINES_FRESH_MS = 5000;
/** Most nodes asked for their engines before a job is submitted. */
export const MAX_NODES_ASKED = 32;
/** An unassigned job is announced again after this, ms, and after twice as long each time: nodes come and go, gossip is best effort. */
export const ANNOUNCE_INTERVAL_MS = 1000;
/** Longest pause between two announcements, ms. */
export const ANNOUNCE_MAX_INTERVAL_MS = 15_000;
/** Seconds past a deadline before the client moves a job on: its own messages may be on the way. */
export const DEADLINE_GRACE_SECONDS = 1;
/** Share of the commit window after which the commitments at hand are carried, though some are missing. */
export const PARTIAL_COMMIT_SHARE = 0.5;
/** Longest wait for a node's signature over the set of commitments, ms: it has nothing to compute, but may be busy with other jobs. Then the chain closes the job instead, which costs a message. */
export const SET_WAIT_MS = 10_000;
/** Longest wait for evidence before the chain closes the job instead, ms: there a node that withholds it is made to answer for that. */
export const DIRECT_EVIDENCE_WAIT_MS = 30_000;
/** Longer for each shard, ms: the evidence of a shard of a minute is 100 kB, and all seats send at once. */
export const DIRECT_WAIT_PER_SHARD_MS = 50;
/** Share of the commit window within which commitments and verdict may go in one message; nodes post the set themselves soon after. */
export const DIRECT_SHARE = 0.6;
/** Share of the settle window spent on asking for evidence before the verdict goes without it. */
export const EVIDENCE_WAIT_SHARE = 0.5;
/** Wait between two requests for a replica's evidence, ms. */
export const EVIDENCE_RETRY_MS = 200;
/** Longest wait for an answer to one, ms, and twice as long after each that did not come: what was lost is asked for again soon, and what is large comes in the end. */
export const EVIDENCE_ANSWER_MS = 2000;
/** The longest of these, ms: what any request has. */
export const EVIDENCE_ANSWER_MAX_MS = 10_000;
/** When a job without enough bids is remarked on, ms. */
export const FEW_BIDS_AFTER_MS = 1500;
/** Pause after a step that failed, ms; doubled each time in a row. */
export const STEP_RETRY_MS = 250;
/** Longest such pause, ms. */
export const STEP_RETRY_MAX_MS = 5000;
/** How often who looks on at a job asks the chain, ms, or as often as it polls, if that is seldomer. */
export const WATCH_POLL_MS = 1000;
/** Longest wait for who carried a job to write down what it found, ms: an answer or two of the chain. */
export const RELEASE_WAIT_MS = 5000;
/** How often it is looked for meanwhile, ms. */
export const RELEASE_POLL_MS = 100;
/** How often due deadlines are looked for, ms. */
export const TICK_MS = 500;
/** Validity of a signed request to follow a log, seconds. */
export const LOG_ACCESS_SECONDS = 3600;
/** Windows of a job, seconds, where the caller says nothing; the commit window is the job's time limit plus this margin for fetching and publishing. */
export const DEFAULT_WINDOWS = { assign: 120, commitMargin: 600, settle: 3600, dispute: 3600 };
/** Client processes of one home at a time: each has a store and a peer identity of its own. */
export const MAX_CLIENT_PROCESSES = 16;
/** Runs of one class of jobs that a client remembers: enough for a p-value of 1 in 100, and for programs that change over time. */
export const MAX_PRECEDENTS = 128;
/** Classes of jobs kept in memory, 2 MB each with all they remember. */
export const MAX_KNOWN_CLASSES = 4;
/** How long the disk lags behind what is learned of a class of jobs, ms: its file holds all of the class. */
export const PRECEDENTS_LAG_MS = 1000;
/** Results up to this size are fetched before the verdict, to hold opened windows against them, bytes: the client fetches its result anyway. */
export const MAX_CHECKED_RESULT_BYTES = 64 * 1024 * 1024;
/** Wait for such a result, ms: without it the windows are held against the other replicas' only. */
export const RESULT_FETCH_TIMEOUT_MS = 10_000;
/** Shards of which a finding says in words how the seat was told apart: enough to look for the cause, and no journal of thousands of lines. */
export const MAX_TOLD_SHARDS = 20;
/** Longest that all shards of a replica may run together, ms, where the caller sets no time limit: what nodes allow by default. */
export const DEFAULT_SHARDS_TOGETHER_MS = 24 * 3_600_000;
/** Shards whose windows are asked of one node at a time. */
export const WINDOW_REQUESTS_AT_ONCE = 4;
/** How old what is known of a node's stake may be when it bids, ms: the draw looks for itself. */
export const STANDING_FRESH_MS = 2000;
/** How long the journal lags behind what the chain and the nodes can say again, ms: one write then holds many changes. */
export const JOURNAL_LAG_MS = 50;
/** Job keys kept in memory, made of their seeds. */
export const MAX_SEAL_KEYS = 256;
/** Blocks after the seed's in which a node can post a bid that was left out: it sees the seed, sends a message, and it is mined. */
export const DEFAULT_BID_BLOCKS = 3;
/** What a node that has to fetch a job's inputs is given time for: a slow line's bytes, and blocks where they are many and small. */
export const FETCH_BYTES_PER_SECOND = 5_000_000;
export const FETCH_BLOCKS_PER_SECOND = 1_000;
/** What it is given to unpack the job's image in, bytes of the image as it is fetched: a ninth of what two cores do with gzip (`npm run bench -- images`). */
export const UNPACK_BYTES_PER_SECOND = 5_000_000;
/** Inputs up to this size are read at submit for the root that bids may claim to hold, bytes: some seconds. Of larger ones the root is given. */
export const MAX_ROOT_BYTES = 1024 ** 3;
/** Bids that a job of k seats is to have where the network is larger than a draw looks at: this many a seat, and so many more, so that fewer than k are next to impossible. */
export const SORTITION_BIDS_PER_SEAT = 4;
export const SORTITION_SPARE_BIDS = 8;
/** How long what is known of the network's stake serves, ms: it changes by days. */
export const SORTITION_FRESH_MS = 3_600_000;
/** Score that the network's nodes are taken to have, basis points. */
export const TYPICAL_SCORE_BPS = 5000;
