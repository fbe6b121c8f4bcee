import { mkdir, readFile, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { gunzip, gzip } from 'node:zlib';
import { messageOf, type OutputNotes, type OutputProfile, type Trace } from '../../src/protocol/index.ts';
import { MAX_RUNS_FILE_BYTES } from './constants.ts';
import { LabError } from './errors.ts';
import { draftOf } from './remove-dead-drafts.ts';
import { decodeRuns, encodeRun } from './run-encoding.ts';

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

const SUFFIX = '.runs.gz';

/** Name of the file that a run is kept in. */
export function runFileName(id: string): string {
  return `${id}${SUFFIX}`;
}

/** Keeps one run as a file of its own, whole or not at all: gzip over CBOR, series packed as in evidence. */
export async function writeRun(directory: string, run: LabRun): Promise<void> {
  await writeRuns(directory, run.id, [run]);
}

/** Keeps several runs in one file. */
export async function writeRuns(directory: string, name: string, runs: readonly LabRun[]): Promise<void> {
  await mkdir(directory, { recursive: true });
  const draft = draftOf(join(directory, `.${name}`));
  try {
    await writeFile(draft, await promisify(gzip)(Buffer.concat(runs.map(encodeRun)), { level: 9 }), { flush: true });
    await rename(draft, join(directory, runFileName(name)));
  } finally {
    await rm(draft, { force: true });
  }
}

/**
 * All runs below a directory, file by file in order of their names.
 *
 * @throws LabError RUNS_MALFORMED, which names the file; EvidenceError when a trace or a profile cannot be one
 */
export async function* readRuns(directory: string): AsyncIterable<LabRun> {
  for (const name of (await readdir(directory)).sort()) {
    if (name.startsWith('.') || !name.endsWith(SUFFIX)) continue;
    const file = join(directory, name);
    let bytes: Uint8Array;
    try {
      bytes = await promisify(gunzip)(await readFile(file), { maxOutputLength: MAX_RUNS_FILE_BYTES });
    } catch (cause) {
      throw new LabError('RUNS_MALFORMED', 'a file of runs cannot be read', { details: `${file}: ${messageOf(cause)}`, cause });
    }
    yield* decodeRuns(bytes, file);
  }
}
