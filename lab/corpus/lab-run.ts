import type { OutputNotes, OutputProfile, Trace } from '../../src/protocol/index.ts';

/** One real run of a program, honest or not, and under which conditions it was recorded. */
export interface LabRun {
  version: 2;
  /** Unique; the stem of its file's name. */
  id: string;
  /** Program at one of its sizes, e.g. `sort-csv`, `sort-csv-large`. */
  program: string;
  /** Sort of work, e.g. `text pipeline`. */
  kind: string;
  /** Whether two honest runs give equal output bytes. */
  deterministic: boolean;
  /** What it ran on: `fraction` 1 is the whole input, less is its start alone; `bytes` is the file's size. */
  input: { seed: number; bytes: number; fraction: number };
  /** Share of the work done on that input. */
  work: number;
  condition: {
    /** Share of the cores the program may use, percent. */
    cpuPercent: number;
    /** Busy loops and disk writers beside it. */
    neighbours: number;
    memory: 'ample' | 'tight';
    /** Whether the input and the image's files were in the page cache. */
    cache: 'warm' | 'cold';
    intervalMs: number;
    engine: string;
  };
  trace: Trace;
  profile: OutputProfile;
  /** What of the output was written by when, as windows show it: the last state is that of the end. Null where nobody could look. */
  written: OutputNotes | null;
  /** Minima of the output's words (word-minima.ts): not part of evidence, to find out what they would be worth. */
  words: Uint32Array;
  /** Time that a fixed loop took beside the run when nobody interrupted it, ns; 0 where it was not measured. */
  loopNs: number;
  /** SHA-256 over the outputs in path order, stdout and the exit code. */
  resultDigest: `0x${string}`;
  outputBytes: number;
  exitCode: number;
  /** ISO 8601. */
  recordedAt: string;
  /** Processor, cores, kernel. */
  machine: string;
}
