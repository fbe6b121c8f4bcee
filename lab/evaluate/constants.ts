/** False-alarm rates at which detection is reported. */
export const FALSE_ALARM_RATES = { at1pct: 0.01, at01pct: 0.001 } as const;
/** Honest pairs of one job at most, drawn by seed: 14 runs make 91, and no job shall outweigh the others. */
export const MAX_HONEST_PAIRS = 120;
/** Submissions forged per job and attack: each of a cheat's own recorded runs is used at least once. */
export const SUBMISSIONS = 6;
/** Honest runs that each submission is compared with. */
export const TARGETS = 6;
/** Earlier public traces of a job that a cheat knows: what a job run twice with three replicas leaves. */
export const EARLIER_RUNS = 5;
/** Public traces of a program on other inputs that a cheat learns from. */
export const CORPUS_RUNS = 12;
/** Decisions of three replicas simulated per job and attack. */
export const DECISIONS = 12;
/** Detection rates are rounded to this many digits in the report. */
export const DIGITS = 4;
/** Choices of earlier runs that each run is held against. */
export const CLASS_DRAWS = 2;
/** What is usual among programs is this quantile of theirs, block by block, */
export const CLASS_PRIOR_QUANTILE = 0.6;
/** but at least this share of a tolerance, or a block in which most never differ would reject on a rounding error. */
export const MIN_CLASS_PRIOR = 0.02;
/** Draws of windows that each run without its whole output is held against. */
export const LATE_DRAWS = 4;
/** An honest run goes beyond the usual deviation of a block by what this share of the other programs' runs stay below, */
export const CLASS_LIMIT_QUANTILE = 0.998;
/** and at least so many times: a block in which others hardly ever differ would reject on a trifle. */
export const MIN_CLASS_LIMIT = 2;
