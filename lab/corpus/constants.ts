/** Where the laboratory keeps what takes long to make: images, inputs, runs. */
export const STATE_DIRECTORY = '.lab';
/** Runs kept of one job's right input: enough for an honest spread and for a calibration apart from the test. */
export const HONEST_RUNS = 14;
/** Runs of each other variant of a job. */
export const VARIANT_RUNS = 2;
/** Shares of the input that a cheat keeps. */
export const FRACTIONS = [0.5, 0.9, 0.99] as const;
/** Shares of the work that a cheat does. */
export const WORK_SHARES = [0.5, 0.9] as const;
/** Seed of the right input; the wrong ones have those that follow. */
export const RIGHT_SEED = 1;

/** Memory of a job that has plenty: above every program's need, page cache included. */
export const AMPLE_MEMORY_BYTES = 1024 ** 3;
/** Tight memory: this many times the peak that the job's first runs had, */
export const TIGHT_MEMORY_RATIO = 1.25;
/** and this much on top, for page tables, pipes and the tools' own start. */
export const TIGHT_MEMORY_SLACK_BYTES = 48 * 1024 ** 2;
/** How much more a job gets that tight memory killed. */
export const TIGHT_RETRY_RATIO = 1.5;
/** Longest run of one job, ms: a hundred times a usual one. */
export const RUN_TIMEOUT_MS = 60_000;
/** Disk of a job: its outputs and what it unpacks. */
export const DISK_BYTES = 128 * 1024 ** 2;
/** A job whose runs fail as often as this, one after the other, is given up for the session. */
export const MAX_FAILURES = 3;

/** Largest file of runs that is read, unpacked: a hundred times the sample. */
export const MAX_RUNS_FILE_BYTES = 512 * 1024 ** 2;
