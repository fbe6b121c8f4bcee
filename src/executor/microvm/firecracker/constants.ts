/** Firecracker releases whose API is the one spoken here: `major.minor`, inclusive. 1.8 brought ACPI, by which Debian's kernel finds its devices. */
export const OLDEST_VERSION = [1, 8] as const;
/** Longest wait for one answer of the API: it answers in milliseconds unless it is stuck. */
export const API_TIMEOUT_MS = 5_000;
/** Longest answer read. */
export const MAX_ANSWER_BYTES = 64 * 1024;
/** Longest wait for the API socket of a monitor that has just been started. */
export const SOCKET_TIMEOUT_MS = 10_000;
/** Distance of the tries to reach what comes up within moments. */
export const RETRY_MS = 10;
/** Distance of the watchdog's questions, and how many in a row may stay unanswered. */
export const WATCHDOG_INTERVAL_MS = 5_000;
export const WATCHDOG_MISSES = 3;
/** vsock port on which the guest agent listens. */
export const AGENT_PORT = 52;
/** vsock port of the job's network: the agent takes the next one for it. */
export const NETWORK_PORT = AGENT_PORT + 1;
/** The guest's context id: 0 to 2 are taken; guests of different monitors may share one. */
export const GUEST_CID = 3;
/** Longest wait for the guest agent to listen. */
export const HANDSHAKE_TIMEOUT_MS = 60_000;
/** What is kept of the monitor's log and of its metrics. */
export const MAX_PIPE_BYTES = 64 * 1024;
/** Open files of a monitor: its disks, its sockets, and room. */
export const MAX_OPEN_FILES = 128;
/** Threads of a monitor beside one for each virtual CPU. */
export const MONITOR_THREADS = 16;
/** Drives: bytes and operations a second, with a burst of one second's worth, so that no guest takes the host's disk for itself. */
export const DRIVE_BYTES_PER_S = 1024 ** 3;
export const DRIVE_OPERATIONS_PER_S = 50_000;
