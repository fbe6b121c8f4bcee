/** Oldest API spoken: that of Docker 20.10, in every distribution. */
export const API_VERSION = 'v1.41';
/** Longest wait for an answer that needs no work. */
export const REQUEST_TIMEOUT_MS = 60_000;
/** Longest import of an image. */
export const IMPORT_TIMEOUT_MS = 30 * 60_000;
/** Largest answer that is read whole. */
export const MAX_ANSWER_BYTES = 4 * 1024 ** 2;
/** Longest run of a helper inside a container whose job has ended: hands over the outputs. */
export const HELPER_TIMEOUT_MS = 10 * 60_000;
/** What memory is given in: a file in it takes whole pages. */
export const PAGE_BYTES = 4096;
/** Docker takes no smaller limit of memory. */
export const MIN_MEMORY_BYTES = 6 * 1024 ** 2;
/** A tar's own bytes beside the content it carries: per entry, and at its end. */
export const TAR_ENTRY_BYTES = 3 * 512;
export const MAX_OUTPUT_ENTRIES = 1_000_000;
/** Shortest distance of samples by the API: each is a request. Docker 20.10 answers a second one only after a second. */
export const MIN_STATS_INTERVAL_MS = 100;
/** Labels of what belongs to an engine: its state directory, and the run. */
export const STATE_LABEL = 'org.gadus.state';
export const RUN_LABEL = 'org.gadus.run';
/** Open files of a job at the most: more than the daemon itself may have it refuses, and this is the kernel's own default. */
export const HARD_OPEN_FILES_ASKED = 4096;
