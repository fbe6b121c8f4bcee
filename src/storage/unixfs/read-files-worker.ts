import { createHash } from 'node:crypto';
import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs';
import { parentPort, workerData } from 'node:worker_threads';
import { isFileForJobs } from '../inputs/for-jobs.ts';
import { identityOf } from '../shelf/file-identity.ts';
import { timesToSettleMs } from './settled-times.ts';

/** Files of one folder, at most `SMALL_FILES_AT_ONCE`. */
export interface ReadFilesOrder {
  number: number;
  /** The folder. */
  dir: string;
  names: string[];
  /** Tell what they are instead of what is in them. */
  identify: boolean;
  /** Of each what it was when it was identified before, if it was: what is that still is not read. */
  before: string[];
}

/** Of each file, in the order of the names. */
export interface ReadFilesOutcome {
  number: number;
  /** Bytes; -1 for one that is left to whoever asked: not small, not a file, not readable, or just being changed. */
  lengths: Int32Array;
  /** SHA-256, 32 bytes each; zeros for what is as it was before. */
  digests: Uint8Array;
  /** Contents, one behind the other; empty when they were identified. */
  bytes: Uint8Array;
  /** See `identityOf`; empty unless they were identified. */
  identities: string[];
  /** Whether everybody may read all those that were identified. */
  forJobs: boolean;
}

export interface ReadFilesData { maxFileBytes: number }

const { maxFileBytes } = workerData as ReadFilesData;
/** One more byte than a small file has shows that it is none. */
const buffer = Buffer.alloc(maxFileBytes + 1);

/** Reads a small file into the buffer; undefined for one that is left. */
function readFile(path: string, identify: boolean, before: string | undefined): { length: number; identity: string; forJobs: boolean; same: boolean } | undefined {
  // As in a copying add: between the listing and now a file may have been swapped for a link or a pipe.
  const file = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  try {
    const stats = fstatSync(file, { bigint: true });
    if (!stats.isFile() || stats.size > maxFileBytes) return undefined;
    if (identify && identityOf(stats) === before) return { length: Number(stats.size), identity: before, forJobs: isFileForJobs(stats), same: true };
    if (identify && timesToSettleMs(stats) > 0) return undefined;
    let length = 0;
    for (let count = -1; count !== 0 && length < buffer.length; length += count) count = readSync(file, buffer, length, buffer.length - length, null);
    if (length > maxFileBytes) return undefined;
    const identity = identify ? identityOf(stats) : '';
    if (identify && identityOf(fstatSync(file, { bigint: true })) !== identity) return undefined;
    return { length, identity, forJobs: isFileForJobs(stats), same: false };
  } finally {
    closeSync(file);
  }
}

function readFiles({ number, dir, names, identify, before }: ReadFilesOrder): ReadFilesOutcome {
  const outcome = { number, lengths: new Int32Array(names.length).fill(-1), digests: new Uint8Array(32 * names.length), identities: [] as string[], forJobs: true };
  const contents: Buffer[] = [];
  for (const [i, name] of names.entries()) {
    let read;
    try {
      read = readFile(`${dir}/${name}`, identify, before[i]);
    } catch {
      // Whoever asked tries again, and says why it cannot be read.
    }
    if (identify) outcome.identities.push(read?.identity ?? '');
    if (read === undefined) continue;
    outcome.lengths[i] = read.length;
    if (!read.forJobs) outcome.forJobs = false;
    if (read.same) continue;
    const content = buffer.subarray(0, read.length);
    outcome.digests.set(createHash('sha256').update(content).digest(), 32 * i);
    if (!identify) contents.push(Buffer.from(content));
  }
  return { ...outcome, bytes: new Uint8Array(Buffer.concat(contents)) };
}

parentPort!.on('message', (order: ReadFilesOrder) => {
  const outcome = readFiles(order);
  parentPort!.postMessage(outcome, [outcome.bytes.buffer, outcome.digests.buffer, outcome.lengths.buffer] as ArrayBuffer[]);
});
