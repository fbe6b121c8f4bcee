/** Most samples of one window: a second of the run at 20 ms. */
export const WINDOW_SAMPLES = 50;
/** Windows that a short run is cut into, so that a draw among them says something: the four drawn and the last are a third of it. */
export const MIN_WINDOWS = 16;
/** Fewest samples of one window: each sample is of one window only, so a run of a few samples has fewer windows. */
export const MIN_WINDOW_SAMPLES = 2;
/** Windows drawn besides the last: of a cheat that made up half of his run, one in sixteen has none of it opened. */
export const DRAWN_WINDOWS = 4;
/** Files whose lengths and hashes windows carry, the first in the order of their paths; of the others the last window has the total. */
export const MAX_WINDOW_FILES = 64;
/** Longest path of a file in a window, UTF-8 bytes: what Linux allows. */
export const MAX_PATH_BYTES = 4096;
