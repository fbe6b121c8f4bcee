/** Windows of tests that move the chain's clock themselves, seconds: so long that no deadline passes unasked on a slow machine. */
export const LONG_WINDOWS = { assign: 600, commitMargin: 600, settle: 600, dispute: 600 };
