/** The page that a module's runner, its reporter and the code in the module itself share: what lies where, in bytes. Imports nothing: it runs in the sandbox. */

/** The module's own words, 64 bits each, which its code writes: instructions so far; pages of its memory. */
export const MODULE_WORDS_OFFSET = 0;
/** The runner's words, float64: bytes read and written, calls that read and wrote. */
export const IO_OFFSET = 64;
/** Place of each of them. */
export const READ_BYTES = 0, WRITTEN_BYTES = 1, READ_CALLS = 2, WRITE_CALLS = 3;
/** Who writes the counts down, 32 bits each: whether somebody does now; how often it was done; whether the last record is there. */
export const TURNS_OFFSET = 128;
export const LOCK = 0, SERIAL = 1, LAST = 2;
/** 32 bits: odd while the runner writes its words. */
export const VERSION_OFFSET = 192;
/** The module's again: instructions at which its memory first had 0, 16, 32 ... pages, 64 bits each, as far as it ever asked for more. */
export const GROWTH_OFFSET = 16_384;
export const GROWTH_SHIFT = 4;
/** Up to 65,536 pages. */
export const GROWTH_STEPS = 4097;

/** What a page of the module's memory has, bytes. */
export const PAGE_BYTES = 65_536;

/** What is told of a moment, float64 each: ms of the machine's monotonic clock, then what a record of the counts has. */
export const STATE_FIELDS = 7;
export const MS = 0, INSTRUCTIONS = 1, RESIDENT_BYTES = 2, FIRST_IO = 3;
/** Where waypoints begin in the file of counts, after the record: their number, float64, and STATE_FIELDS for each. */
export const WAYPOINTS_OFFSET = 64;
/** Most of them: 1,024 at calls, two for each of at most 260 steps of the memory, and the end. */
export const MAX_WAYPOINTS = 1600;
