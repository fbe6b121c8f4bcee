/** Samples of one window: a second of the run at 20 ms. */
export const WINDOW_SAMPLES = 50;
/** Windows drawn besides the last: of a cheat that made up half of his run, one in sixteen has none of it opened. */
export const DRAWN_WINDOWS = 4;
/** Files whose lengths and hashes windows carry, the first in the order of their paths; of the others the last window has the total. */
export const MAX_WINDOW_FILES = 64;
/** Longest path of a file in a window, UTF-8 bytes: what Linux allows. */
export const MAX_PATH_BYTES = 4096;
