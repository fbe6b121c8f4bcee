/** The page that a module's runner, its reporter and the code in the module itself share: what lies where, in bytes. Imports nothing: it runs in the sandbox. */

/** The module's own words, 64 bits each, which its code writes: instructions so far; pages of its memory. */
export const MODULE_WORDS_OFFSET = 0;
/** The runner's words, float64: bytes read and written, calls that read and wrote. */
export const IO_OFFSET = 64;
/** Place of each of them. */
export const READ_BYTES = 0, WRITTEN_BYTES = 1, READ_CALLS = 2, WRITE_CALLS = 3;
/** The runner's requests to the reporter, 32 bits each: how many so far; how many are answered; whether the last one was the last. */
export const ORDERS_OFFSET = 128;
export const ASKED = 0, ANSWERED = 1, LAST = 2;

/** What a page of the module's memory has, bytes. */
export const PAGE_BYTES = 65_536;
