import { createHash } from 'node:crypto';
import type { Hex } from 'viem';
import { bytesToHex } from 'viem/utils';
import { PROFILE_CHUNK_BYTES } from '../constants.ts';
import { EvidenceError } from '../errors.ts';
import { withOutputFile } from '../with-output-file.ts';

/**
 * SHA-256 of a file's first bytes, for each of some lengths, in one pass.
 *
 * @param lengths ascending, none beyond the file's end
 * @throws EvidenceError OUTPUT_UNREADABLE, OUTPUT_CHANGED when the file is shorter; the signal's reason
 */
export function prefixHashes(path: string, lengths: readonly number[], { signal }: { signal?: AbortSignal | undefined } = {}): Promise<Hex[]> {
  return withOutputFile(path, async (handle) => {
    const hash = createHash('sha256');
    const buffer = Buffer.allocUnsafe(Math.max(1, Math.min(PROFILE_CHUNK_BYTES, lengths.at(-1) ?? 0)));
    const hashes: Hex[] = [];
    let position = 0;
    for (const length of lengths) {
      while (position < length) {
        signal?.throwIfAborted();
        const { bytesRead } = await handle.read(buffer, 0, Math.min(buffer.length, length - position));
        if (bytesRead === 0) throw new EvidenceError('OUTPUT_CHANGED', 'an output file changed while it was read', { details: `${path}: it ends at ${position}, not at ${length}` });
        hash.update(buffer.subarray(0, bytesRead));
        position += bytesRead;
      }
      hashes.push(bytesToHex(hash.copy().digest()));
    }
    return hashes;
  });
}
