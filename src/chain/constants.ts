/** Longest wait for one RPC answer, milliseconds: public endpoints answer within 2 s, a cold archive query within 10 s. */
export const RPC_TIMEOUT_MS = 15_000;
/** Largest answer that is read, bytes, unpacked: 10,000 logs of the largest events are below it. */
export const MAX_RPC_ANSWER_BYTES = 64 * 1024 * 1024;
/** How often a request is repeated when the endpoint is away, limits us or fails; with the delay below about 2 s in all. */
export const RPC_RETRIES = 3;
/** First pause between two tries, milliseconds; doubles. */
export const RPC_RETRY_DELAY_MS = 250;
/** Most questions in one JSON-RPC batch: usual limits of public endpoints are 20 and more. */
export const RPC_BATCH = 20;
/** Longest wait for a receipt, milliseconds: twenty Filecoin epochs are 600 s, ten Ethereum slots 120 s, a devnet needs 0.01 s. */
export const RECEIPT_TIMEOUT_MS = 600_000;
/** First pause between two looks for a receipt or block, milliseconds; grows to the polling interval. A devnet mines within 3-6 ms. */
export const FIRST_POLL_MS = 4;
/** Added to the gas estimate, basis points: state may change between estimate and block (a warm slot turned cold, one more rating). */
export const GAS_MARGIN_BPS = 2_500;
/** The fee cap is this many times the base fee (plus tip): the base fee doubles at most every six full blocks. */
export const BASE_FEE_HEADROOM = 2n;
/** Tries with a fresh nonce when somebody else used ours. */
export const NONCE_TRIES = 5;
/** Default pause between two looks at the chain, milliseconds; a devnet sets 50. */
export const POLLING_INTERVAL_MS = 2_000;

/** Most blocks one `eth_getLogs` asks for: providers allow 2,000 (Filecoin 2,880) and cut by time or rows beyond. */
export const LOG_WINDOW_BLOCKS = 2_000;
/** How often the watcher repeats one request before it starts its whole look again: enough for a hiccup, not for an outage. */
export const LOG_RETRIES = 1;
/** Blocks whose hashes the watcher remembers: reorganisations deeper than this do not happen on the chains it is meant for. */
export const REORG_DEPTH_BLOCKS = 64;
/** How far below a window's end to look for a block when the end fell on a null round (about one epoch in 30 is one). */
export const NULL_ROUND_STEPS = 8;
/** First and longest pause of a watcher whose endpoint or handler fails, milliseconds; doubles in between. */
export const BACKOFF_MIN_MS = 100;
export const BACKOFF_MAX_MS = 30_000;
/** An empty chain moves the cursor on disk at most this often, milliseconds: losing it costs a scan, no event. */
export const CURSOR_IDLE_WRITE_MS = 5_000;
/** The cursor is written at most this often, milliseconds: it carries 64 blocks of logs, and what a crash loses of it is read again. */
export const CURSOR_WRITE_MS = 1000;
/** Ranges a status probe asks logs of, blocks: usual limits of public endpoints; Filecoin's is 2,880. */
export const PROBED_LOG_RANGES: readonly number[] = [10_000, 2_880, 2_000, 1_000, 500, 100, 10, 1];
/** Blocks over which a status measures the time between blocks. */
export const BLOCK_TIME_SAMPLE_BLOCKS = 100;
/** Blocks fetched at once for their timestamps, where logs come without. */
export const BLOCK_FETCH_CONCURRENCY = 8;

/** Chains with the FIP-0095 drand precompile: Filecoin and its test networks. */
export const FILECOIN_CHAIN_IDS: readonly number[] = [314, 314_159, 31_415_926];
/** Gas a contract wallet may use on one signature, as in WalletLib. */
export const WALLET_GAS = 100_000n;

/** Longest wait for anvil to answer after its start, milliseconds: it needs 60-260 ms, more on a loaded machine. */
export const ANVIL_START_TIMEOUT_MS = 15_000;
/** Longest wait for anvil to write its state and leave, milliseconds. */
export const ANVIL_STOP_TIMEOUT_MS = 10_000;
/**
 * Pause between blocks when nobody transacts, milliseconds. Only block timestamps depend on it: transactions are mined at once, and the
 * block after each one (the seed's) is asked for at once too. Shorter costs memory, 4-8 KB a block for good, and soon CPU: with
 * EIP-2935 anvil hashes up to 8,191 slots a block, 9 ms once they are full.
 */
export const ANVIL_BLOCK_TIME_MS = 1_000;
/**
 * States anvil keeps in memory, 1-2 MB each in the end; without a limit it writes every state to disk. Calls on old blocks and test
 * reorganisations reach this far back; logs, blocks and block hashes are not touched.
 */
export const ANVIL_KEPT_STATES = 32;
/** Seconds between two dumps of a devnet's state file, so that a crash does not lose the chain. */
export const ANVIL_STATE_INTERVAL_SECONDS = 30;
/** Chain id of a devnet: anvil's own, which wallets know as a local chain. */
export const ANVIL_CHAIN_ID = 31_337;
/** The well-known development mnemonic: its keys are public, so nobody can take them for safe. */
export const ANVIL_MNEMONIC = 'test test test test test test test test test test test junk';
