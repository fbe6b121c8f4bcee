/** Topic of job announcements. */
export const JOBS_TOPIC = '/gadus/jobs/1';
/** Protocol of the DHT of a private network: loopback and LAN addresses are kept in it. */
export const LAN_DHT_PROTOCOL = '/lan/kad/1.0.0';
/** Protocol of the public IPFS DHT. */
export const PUBLIC_DHT_PROTOCOL = '/ipfs/kad/1.0.0';

/** Whole request, dial included: two round trips on a bad transcontinental link, with room for one lost packet. */
export const REQUEST_TIMEOUT_MS = 10_000;
/** A server gives the client this long to deliver its request: bounds what a slow-loris can hold open. */
export const REQUEST_READ_TIMEOUT_MS = 10_000;
/** A server's own work on one request. */
export const HANDLER_TIMEOUT_MS = 30_000;
/** Writing one frame to a slow reader: 16 MiB at 280 kB/s. */
export const WRITE_TIMEOUT_MS = 60_000;
/** A served stream with nothing to say says so this often, so that a dead peer is told from a quiet one. */
export const STREAM_HEARTBEAT_MS = 10_000;
/** A stream without even a heartbeat for this long is dead: three lost heartbeats. */
export const STREAM_IDLE_TIMEOUT_MS = 30_000;
/** After the last frame the other side gets this long to close before the stream is reset. */
export const LINGER_TIMEOUT_MS = 2_000;

/** Requests one peer may have in work per protocol; more are refused, so one peer cannot take every slot. */
export const MAX_REQUESTS_PER_PEER = 16;
/** Requests all peers together may have in work per protocol: with 16 MiB answers this bounds memory at 1 GiB. */
export const MAX_REQUESTS = 64;
/** libp2p resets streams above this many of one protocol on one connection; twice the polite limit, so that refusals can be said. */
export const MAX_STREAMS_PER_CONNECTION = 2 * MAX_REQUESTS_PER_PEER;
/** Bytes read ahead of the consumer before the stream is paused: one initial yamux window. */
export const READ_AHEAD_BYTES = 256 * 1024;
/** Protocol of a stream that carries many short requests and their answers. */
export const LINE_PROTOCOL = '/gadus/line/1';
/** Longest request on a line, bytes with its head: nobody's waits long behind another's. Longer ones have a stream of their own. */
export const MAX_LINE_FRAME_BYTES = 64 * 1024;
/** Longest answer on a line, bytes with its head: the evidence of a run of seconds. */
export const MAX_LINE_REPLY_BYTES = 128 * 1024;
/** Lines of one connection: the peer needs one. */
export const MAX_LINES_PER_CONNECTION = 4;
/** Answers that wait to be written before a line's peer is not read from any more, bytes. */
export const LINE_BACKLOG_BYTES = 256 * 1024;
/** A line opens within this. */
export const LINE_OPEN_TIMEOUT_MS = 5_000;
/** A peer without lines is asked for one again after this. */
export const LINE_RETRY_MS = 5_000;
/** A line whose peer has said nothing since a question that was given up after this is closed, and the next question opens another. */
export const LINE_SILENCE_MS = 2_000;
/** A line on which nothing is asked for so long is closed. */
export const LINE_IDLE_MS = 60_000;
/** Longest refusal reason, bytes of UTF-8. */
export const MAX_REASON_BYTES = 500;

/** First retry of a bootstrap peer: a devnet's nodes start within tens of milliseconds of each other. */
export const BOOTSTRAP_RETRY_MIN_MS = 50;
/** Longest pause between retries of a bootstrap peer on a private network: nodes started in any order meet within a second. */
export const BOOTSTRAP_RETRY_LAN_MS = 500;
/** The same on the public network, where a dead peer costs a dial. */
export const BOOTSTRAP_RETRY_PUBLIC_MS = 15_000;
/** One dial of a bootstrap peer. */
export const BOOTSTRAP_DIAL_TIMEOUT_MS = 5_000;

/** Peers in the gossip mesh: with up to D + 1 nodes everybody is everybody's neighbour, so a devnet is one hop wide. */
export const GOSSIP_D = 8;
/** Fewest and most peers of the mesh. */
export const GOSSIP_D_LOW = 4;
export const GOSSIP_D_HIGH = 14;
/** Gossip heartbeat of a private network: a peer whose stream opened too late for the mesh joins it a quarter of a second later. */
export const LAN_HEARTBEAT_MS = 250;
/** Heartbeats a message stays available for those who missed it: the five seconds of the default heartbeat. */
export const LAN_HISTORY_HEARTBEATS = 20;
/** How long `publish` waits for a first subscriber. */
export const PUBLISH_WAIT_MS = 2_000;
/** How often it looks meanwhile. */
export const PUBLISH_POLL_MS = 10;
/** Penalty for one invalid message, squared and halved by the topic's weight: four of them reach the graylist (-80). */
export const INVALID_MESSAGE_WEIGHT = -10;
/** Of which this share is left after each second: a liar is remembered for minutes, a hiccup is forgiven. */
export const INVALID_MESSAGE_DECAY = 0.99;
/** Connections a private network's host takes from one address in a second: a whole devnet shares 127.0.0.1. */
export const LAN_CONNECTIONS_PER_SECOND = 1_000;
/** Shortest wait for a liveness ping: the main loop of a node that hashes gigabytes may be late. */
export const PING_MIN_TIMEOUT_MS = 15_000;
/** What a connection holds back at the most until the event loop has come round, bytes: many messages, and less than one read of the peer's. */
export const TOGETHER_BYTES = 16 * 1024;
