/** Nodes of the local network: one more than the replicas of a job, so that there is a draw. */
export const DEVNET_NODES = 4;
/** How often a node of the local network looks at the chain, ms. */
export const DEVNET_POLL_MS = 100;
/** Bids are gathered so long on a local network, ms: gossip on loopback takes a few. */
export const DEVNET_BID_WAIT_MS = 120;
/** A node that has not ended by then is killed, ms. */
export const NODE_STOP_TIMEOUT_MS = 30_000;
/** What every account of the local network starts with, in whole coins. */
export const DEVNET_PURSE_COINS = 100_000n;
/** Stake of every node, in whole coins. */
export const DEVNET_STAKE_COINS = 1000n;
/** Windows of a job on the local network, seconds: long enough for a loaded machine, short enough to watch a verdict stand. */
export const DEVNET_WINDOWS = { assign: 60, commitMargin: 120, settle: 120, dispute: 5 };
/** Blocks between submit and the draw's seed. */
export const SEED_DELAY_BLOCKS = 1;
/** Shortest window a job may have here, seconds. */
export const MIN_WINDOW_SECONDS = 1;
/** Longest window, seconds. */
export const MAX_WINDOW_SECONDS = 30 * 86_400;
/** Largest half of a node's young heap, as bin/gadus has it for nodes of their own: with V8's own 16 MiB a node held 280 MB after 130 jobs, with this 250 MB at 3 % more CPU time. */
export const YOUNG_HEAP_MIB = 4;
