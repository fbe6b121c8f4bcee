import { mkdir, readFile, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { gunzip, gzip } from 'node:zlib';
import { messageOf } from '../../src/protocol/index.ts';
import { MAX_RUNS_FILE_BYTES } from './constants.ts';
import { LabError } from './errors.ts';
import type { LabRun } from './lab-run.ts';
import { draftOf } from './remove-dead-drafts.ts';
import { decodeRuns, encodeRun } from './run-encoding.ts';

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
