import type { OutputProfile } from '../../protocol/trace/trace.ts';
import { ContentMinima } from './content-minima.ts';
import { PROFILE_BINS, PROFILE_CHUNK_BYTES, PROFILE_SEGMENTS } from '../constants.ts';
import { EvidenceError } from '../errors.ts';
import { withOutputFile } from '../with-output-file.ts';

/**
 * Size, entropy, byte histogram and content of files read one after the other as one sequence of bytes: outputs in path order, then stdout.
 * Segment i holds the bytes from floor(i n / 32) to floor((i + 1) n / 32); its entropy is Shannon's, -sum p log2 p over the 256 byte
 * values, in bits per byte. An empty segment has entropy 0 and shares 0, so an empty output is all zeros.
 *
 * @param files paths of regular files; symbolic links are refused, because a job may point one anywhere
 * @throws EvidenceError OUTPUT_UNREADABLE, OUTPUT_CHANGED; the signal's reason
 */
export async function profileOutput(files: readonly string[], { signal }: { signal?: AbortSignal } = {}): Promise<OutputProfile> {
  const sizes: number[] = [];
  for (const file of files) {
    signal?.throwIfAborted();
    sizes.push(await withOutputFile(file, async (handle) => (await handle.stat()).size));
  }
  const total = sizes.reduce((sum, size) => sum + size, 0);
  const counts = new Float64Array(PROFILE_SEGMENTS * 256);
  const content = new ContentMinima();
  const buffer = Buffer.allocUnsafe(Math.min(PROFILE_CHUNK_BYTES, Math.max(total, 1)));
  let position = 0;
  for (const [i, file] of files.entries()) {
    const end = position + sizes[i]!;
    await withOutputFile(file, async (handle) => {
      for (;;) {
        signal?.throwIfAborted();
        const { bytesRead } = await handle.read(buffer, 0, buffer.length);
        if (bytesRead === 0) break;
        if (position + bytesRead > end) throw changed(file, 'it grew');
        count(counts, buffer.subarray(0, bytesRead), position, total);
        content.add(buffer.subarray(0, bytesRead));
        position += bytesRead;
      }
    });
    if (position < end) throw changed(file, 'it shrank');
  }
  return { version: 1, bytes: total, files: files.length, ...summarise(counts), content: content.minima() };
}

/** Adds a chunk that starts at `position` to the byte counts of the segments it touches. */
function count(counts: Float64Array, chunk: Uint8Array, position: number, total: number): void {
  let at = 0;
  for (let segment = segmentOf(position, total); at < chunk.length; segment++) {
    const end = Math.min(Math.floor((total * (segment + 1)) / PROFILE_SEGMENTS) - position, chunk.length);
    const row = counts.subarray(segment * 256, segment * 256 + 256);
    while (at < end) row[chunk[at++]!]!++;
  }
}

function segmentOf(position: number, total: number): number {
  const guess = Math.floor((position * PROFILE_SEGMENTS) / total);
  return Math.floor((total * (guess + 1)) / PROFILE_SEGMENTS) <= position ? guess + 1 : guess;
}

function summarise(counts: Float64Array): Pick<OutputProfile, 'entropy' | 'histogram'> {
  const entropy = new Float64Array(PROFILE_SEGMENTS);
  const histogram = new Float64Array(PROFILE_SEGMENTS * PROFILE_BINS);
  for (let segment = 0; segment < PROFILE_SEGMENTS; segment++) {
    const row = counts.subarray(segment * 256, segment * 256 + 256);
    const size = row.reduce((sum, n) => sum + n, 0);
    if (size === 0) continue;
    for (let value = 0; value < 256; value++) {
      const p = row[value]! / size;
      if (p === 0) continue;
      entropy[segment]! -= p * Math.log2(p);
      histogram[segment * PROFILE_BINS + (value >> 4)]! += p;
    }
    // One value only gives -0.
    entropy[segment] = Math.max(entropy[segment]!, 0) + 0;
  }
  return { entropy, histogram };
}

function changed(path: string, how: string): EvidenceError {
  return new EvidenceError('OUTPUT_CHANGED', 'an output file changed while it was read', { details: `${path}: ${how}`, hint: 'profile an output only after the job has ended' });
}
