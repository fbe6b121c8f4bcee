/** Largest block taken from or put into a store: the limit of the bitswap specification. */
export const MAX_BLOCK_BYTES = 2 * 1024 * 1024;
/** Deepest DAG walked: a balanced file of 2^60 bytes has 6 levels, so this is a limit on nested directories. */
export const MAX_DAG_DEPTH = 256;
/** Most directory entries one DAG may unpack to: a million files and their folders, but shared subtrees multiply without costing the sender a byte. */
export const MAX_ENTRIES = 2_000_000;
/** Longest file name, bytes: the limit of ext4, xfs and btrfs. */
export const MAX_NAME_BYTES = 255;
/** Bytes one fetch may take from the network unless configured otherwise. */
export const MAX_FETCH_BYTES = 64 * 1024 ** 3;
/** Blocks of one fetch in flight: bitswap is bound by latency. */
export const FETCH_CONCURRENCY = 24;
/** Bytes of them, as far as their parents say: at 100 ms from one end to the other and back still 80 MB/s, and what is on its way is in memory three times. */
export const FETCH_BYTES = 8 * 1024 * 1024;
/** A node's own bytes are not what its parent says, which is all that hangs from it: a full one has so many. */
export const NODE_BYTES = 64 * 1024;
/** Blocks on their way when a file is streamed: what a slow reader makes wait is 16 MiB at most. */
export const READ_CONCURRENCY = 8;
/** Files read or written side by side. */
export const FILE_CONCURRENCY = 8;
/** Blocks of one file hashed and written side by side: with FILE_CONCURRENCY it bounds memory at 64 MiB. */
export const BLOCK_WRITE_CONCURRENCY = 8;
/** A source that takes longer for one block is left for the rest of the fetch; longer than any wait inside a source. */
export const SOURCE_STALL_TIMEOUT_MS = 45_000;
/** A source that takes longer for one block has the next source beside it: a slow DHT lookup ends below this, a dead host does not. */
export const SOURCE_OVERTAKE_MS = 8_000;
/** A source that served a wrong block is not asked by later fetches for this long: an operator's mistake is mended within minutes. */
export const SUSPECT_TIMEOUT_MS = 600_000;
/** Errors of one source kept in a receipt; more say nothing new. */
export const MAX_ERRORS_PER_SOURCE = 5;

/** Peers asked at the same time whether they have a block; those who connected last first, for who wants something done often has what it takes. */
export const MAX_PEERS_ASKED = 16;
/** Times that so many are asked, one after the other, where nobody has it. */
export const MAX_ROUNDS_ASKED = 8;
/** One search for providers on the DHT. */
export const LOOKUP_TIMEOUT_MS = 5_000;
/** Providers of one block that are dialled. */
export const MAX_PROVIDERS_DIALLED = 3;
/** One dial. */
export const DIAL_TIMEOUT_MS = 5_000;
/** One call to a Kubo node that does not move data. */
export const KUBO_TIMEOUT_MS = 5_000;
/** Asking one source whether it has a block. */
export const LOCATE_TIMEOUT_MS = 15_000;
/** Announcing one CID on the DHT. */
export const PROVIDE_TIMEOUT_MS = 15_000;

/** Largest CAR header: 24,000 roots of 40 bytes; more is a varint bomb. */
export const MAX_CAR_HEADER_BYTES = 1024 * 1024;
/** Longest CID in a CAR section: version, codec and a SHA-512 multihash are below half of it. */
export const MAX_CID_BYTES = 256;
/** Longest identity digest taken from others: the limit of the trustless gateway specification (IPIP-512). */
export const MAX_IDENTITY_BYTES = 128;
/** Read at once when a CAR is indexed: small blocks share a read, of large ones only the heads are read. */
export const CAR_WINDOW_BYTES = 64 * 1024;
/** Largest index of a CARv2 that is read instead of the sections, since it is held in memory: 800,000 blocks. */
export const MAX_CAR_INDEX_BYTES = 32 * 1024 * 1024;
/** Heads of a CARv2's index that are looked at before the rest is believed: a lie found later costs only the block. */
export const CAR_INDEX_PROBES = 16;
/** Wait after a folder's files changed before they are looked at: a copy makes many changes. */
export const FOLDER_SETTLE_MS = 500;
/** A watched folder is looked through this often all the same: network file systems tell nobody of changes. */
export const FOLDER_RESCAN_MS = 600_000;
/** Problems of one file that are kept; more say nothing new. */
export const MAX_PROBLEMS_PER_FILE = 5;
/** Bytes that inputs fetched for jobs keep of the disk unless configured otherwise, and as much again unpacked. */
export const MAX_CACHE_BYTES = 100 * 1024 ** 3;
/** Bytes of the disk that stay free unless configured otherwise: the chain's cursor, the journal and evidence must still be written. */
export const RESERVE_BYTES = 1024 ** 3;
/** Bytes fetched between two looks at the free space. */
export const SPACE_CHECK_BYTES = 64 * 1024 * 1024;
/** Memory through which blocks go to the thread that writes them: four of the largest, so that a slow write does not hold up what comes. */
export const WRITE_MEMORY_BYTES = 4 * MAX_BLOCK_BYTES;
/** Blocks that a store writes without that thread: starting it takes 40 ms, and most commands write a few blocks. */
export const WRITES_WITHOUT_THREAD = 64;
/** Small blocks that a thread deals with in one go, and the fewest for which it is asked: starting it takes 40 ms, once. */
export const BLOCKS_AT_ONCE = 256;
export const BLOCKS_WITHOUT_THREAD = 16;
/** Files of a folder that are read without a thread for that: starting it takes as long as reading two hundred. */
export const READ_WITHOUT_THREAD = 64;
/** Files that the thread reads: of larger ones the bytes cost more than the calls. */
export const SMALL_FILE_BYTES = 16 * 1024;
/** Small files read in one go, and how many such goes there are at a time: bounds memory at 12 MiB. */
export const SMALL_FILES_AT_ONCE = 256;
export const SMALL_FILES_CONCURRENCY = 3;
/** Entries of a referenced folder that are looked at without a thread for that, before a job gets it. */
export const LOOKED_AT_WITHOUT_THREAD = 256;
/** Entries of a folder that are removed without a thread for that. */
export const REMOVED_WITHOUT_THREAD = 1_000;
/** A bid does not wait longer to know whether a referenced folder is what it was: a million files take ten seconds, and bids have few. */
export const GLANCE_MS = 500;
/** What a folder was so long ago is believed by bids; whoever runs a job looks anew, before and after. */
export const GLANCE_KNOWN_MS = 60_000;
/** Folders of which that is remembered. */
export const MAX_TREES_REMEMBERED = 1_000;
/** A file that changed less than this ago may change again without its times telling: they move with the kernel's clock tick, 10 ms at most. */
export const FILE_TIMES_SETTLE_MS = 20;
/** The same of a file system that keeps times in whole seconds; FAT keeps every other one. */
export const FILE_TIMES_COARSE_SETTLE_MS = 2_000;
