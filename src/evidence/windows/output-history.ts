import type { Hex } from 'viem';
import type { OutputNotes } from '../../protocol/trace/trace.ts';
import { withOutputFile } from '../with-output-file.ts';
import { MAX_PATH_BYTES, MAX_WINDOW_FILES } from './constants.ts';
import { prefixHashes } from './prefix-hashes.ts';

/** A file of an output: its path in the result, and where it lies on this machine. */
export interface OutputFile { path: string; source: string }

/** What of the output was written by when. */
export interface OutputHistory {
  /** When each state began, ms since the start mark, ascending; the last state is that of the end. Before the first nothing was written. */
  t: Float64Array;
  /** Whether anybody looked while the job ran; if not, the end is all that is known. */
  noted: boolean;
  /** In the order of their paths: bytes in each state, and SHA-256 of so many bytes. */
  files: { path: string; lengths: Float64Array; hashes: Hex[] }[];
  /** Files beyond MAX_WINDOW_FILES, or with a path beyond MAX_PATH_BYTES, at the end. */
  others: { files: number; bytes: number };
}

/**
 * Brings the lengths noted during a run together with the files it left: each file is read once. A length is what the file never fell
 * below from then on: of a file that only grew, what was noted; a file that was cut or replaced counts from where it grew to its end.
 * Contents are those of the end, also of bytes that were rewritten in between.
 *
 * @param files all files of the output and the log, in any order
 * @throws EvidenceError OUTPUT_UNREADABLE, OUTPUT_CHANGED; the signal's reason
 */
export async function outputHistory(files: readonly OutputFile[], notes: OutputNotes | undefined, endMs: number, { signal }: { signal?: AbortSignal } = {}): Promise<OutputHistory> {
  const sorted = files.filter(({ path }) => Buffer.byteLength(path) <= MAX_PATH_BYTES).sort((a, b) => Buffer.compare(Buffer.from(a.path), Buffer.from(b.path)));
  const kept = sorted.slice(0, MAX_WINDOW_FILES);
  const rest = files.filter((file) => !kept.includes(file));
  const sizes = await sizesOf(kept);
  const noted = new Map(notes?.files.map(({ path, lengths }) => [path, lengths]));
  const series = kept.map(({ path }, i) => lastingLengths(noted.get(path), notes?.t.length ?? 0, sizes[i]!));

  // States in which nothing changed say nothing.
  const states = Array.from({ length: (notes?.t.length ?? 0) + 1 }, (_, state) => state);
  const changed = states.filter((state) => state === states.length - 1 || series.some((lengths) => lengths[state] !== (lengths[state - 1] ?? 0)));
  const histories: OutputHistory['files'] = [];
  for (const [i, { path, source }] of kept.entries()) {
    const lengths = Float64Array.from(changed, (state) => series[i]![state]!);
    const distinct = [...new Set(lengths)];
    const hashes = new Map((await prefixHashes(source, distinct, { signal })).map((hash, k) => [distinct[k], hash]));
    histories.push({ path, lengths, hashes: Array.from(lengths, (length) => hashes.get(length)!) });
  }
  return {
    t: Float64Array.from(changed, (state) => notes?.t[state] ?? endMs), noted: notes !== undefined, files: histories,
    others: { files: rest.length, bytes: (await sizesOf(rest)).reduce((sum, size) => sum + size, 0) },
  };
}

async function sizesOf(files: readonly OutputFile[]): Promise<number[]> {
  const sizes: number[] = [];
  for (const { source } of files) sizes.push(await withOutputFile(source, async (handle) => (await handle.stat()).size));
  return sizes;
}

/** Each note's length, lowered to the lowest that follows; then the final one. */
function lastingLengths(noted: Float64Array | undefined, notes: number, size: number): Float64Array {
  const lengths = new Float64Array(notes + 1);
  let lowest = lengths[notes] = size;
  for (let state = notes - 1; state >= 0; state--) lengths[state] = lowest = Math.min(lowest, noted?.[state] ?? 0);
  return lengths;
}
