import type { OutputProfile } from '../../protocol/trace/trace.ts';
import { EvidenceError } from '../errors.ts';
import type { WindowLeaf } from './window-leaf.ts';

/**
 * Checks what opened windows of one run say of its output: it only grows, the same bytes have the same hash, and the last window has as many
 * files and bytes as the output profile.
 *
 * @param leaves checked by `checkWindow`, in ascending order, the last one the run's last
 * @throws EvidenceError WINDOW_FALSE
 */
export function checkWritten(leaves: readonly WindowLeaf[], profile: Pick<OutputProfile, 'bytes' | 'files'>): void {
  const end = leaves.at(-1);
  if (end === undefined || end.written === null || end.others === null) throw falseOutput('the last window does not have the whole output');
  const bytes = end.written.reduce((sum, file) => sum + file.bytes, end.others.bytes);
  const files = end.written.length + end.others.files;
  if (bytes !== profile.bytes) throw falseOutput(`${bytes} bytes by the last window, ${profile.bytes} in the output`);
  if (files !== profile.files) throw falseOutput(`${files} files by the last window, ${profile.files} in the output`);

  const known = new Map<string, { bytes: number; hash: string }>();
  for (const { index, written } of leaves) {
    if (written === null) continue;
    const now = new Map(written.map((file) => [file.path, file]));
    if (now.size !== written.length) throw falseOutput(`window ${index} has a file twice`);
    for (const [path, before] of known) {
      const length = now.get(path)?.bytes ?? 0;
      if (length < before.bytes) throw falseOutput(`${path} has ${length} bytes by window ${index}, fewer than ${before.bytes} before`);
    }
    for (const [path, file] of now) {
      const before = known.get(path);
      if (before?.bytes === file.bytes && before.hash !== file.hash) throw falseOutput(`the first ${file.bytes} bytes of ${path} have another hash by window ${index}`);
      known.set(path, file);
    }
  }
}

function falseOutput(details: string): EvidenceError {
  return new EvidenceError('WINDOW_FALSE', 'the windows\' output is false', { details });
}
