/** How long bids are gathered after the announcement even when there are enough, ms: a draw among more bidders is a better draw. */
export const BID_WAIT_MS = 2000;
/** Longest wait for nodes' word on which engines they have, ms: who is slower is not counted. */
export const ENGINES_WAIT_MS = 500;
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
/** Longest wait for a node's signature over the set of commitments, ms: it has nothing to compute. Then the chain closes the job instead. */
export const SET_WAIT_MS = 2000;
/** Longest wait for evidence before the chain closes the job instead, ms: there a node that withholds it is made to answer for that. */
export const DIRECT_EVIDENCE_WAIT_MS = 30_000;
/** Share of the commit window within which commitments and verdict may go in one message; nodes post the set themselves soon after. */
export const DIRECT_SHARE = 0.6;
/** Share of the settle window spent on asking for evidence before the verdict goes without it. */
export const EVIDENCE_WAIT_SHARE = 0.5;
/** Wait between two requests for a replica's evidence, ms. */
export const EVIDENCE_RETRY_MS = 200;
/** When a job without enough bids is remarked on, ms. */
export const FEW_BIDS_AFTER_MS = 1500;
/** Pause after a step that failed, ms; doubled each time in a row. */
export const STEP_RETRY_MS = 250;
/** Longest such pause, ms. */
export const STEP_RETRY_MAX_MS = 5000;
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
/** Results up to this size are fetched before the verdict, to hold opened windows against them, bytes: the client fetches its result anyway. */
export const MAX_CHECKED_RESULT_BYTES = 64 * 1024 * 1024;
/** Wait for such a result, ms: without it the windows are held against the other replicas' only. */
export const RESULT_FETCH_TIMEOUT_MS = 10_000;
