import type { Hex } from 'viem';
import { EvidenceError } from '../errors.ts';
import { prefixHashes } from './prefix-hashes.ts';
import type { WindowLeaf } from './window-leaf.ts';

/** A file of a result: its length, and SHA-256 of its first bytes for lengths that ascend. */
export interface ResultFile { bytes: number; hashes(lengths: readonly number[]): Promise<readonly Hex[]> | readonly Hex[] }

/**
 * Holds what windows say was written by then against the result itself.
 *
 * @param files the result's files on this machine, by their path in the result
 * @throws EvidenceError WINDOW_FALSE, OUTPUT_UNREADABLE, OUTPUT_CHANGED; the signal's reason
 */
export function checkResult(leaves: readonly WindowLeaf[], files: ReadonlyMap<string, { source: string; bytes: number }>, { signal }: { signal?: AbortSignal } = {}): Promise<void> {
  return checkClaims(leaves, new Map([...files].map(([path, { source, bytes }]) => [path, { bytes, hashes: (lengths) => prefixHashes(source, lengths, { signal }) }])));
}

/** The same of a result that lies anywhere. @throws EvidenceError WINDOW_FALSE; what `hashes` throws */
export async function checkClaims(leaves: readonly WindowLeaf[], files: ReadonlyMap<string, ResultFile>): Promise<void> {
  const claims = new Map<string, Map<number, Hex>>();
  for (const { written } of leaves) {
    for (const { path, bytes, hash } of written ?? []) claims.set(path, (claims.get(path) ?? new Map<number, Hex>()).set(bytes, hash));
  }
  for (const [path, hashes] of claims) {
    const file = files.get(path);
    if (file === undefined) throw falseResult(`it has no file ${path}`);
    const lengths = [...hashes.keys()].sort((a, b) => a - b);
    if (lengths.at(-1) !== file.bytes) throw falseResult(`its ${path} has ${file.bytes} bytes, not ${lengths.at(-1)}`);
    const actual = await file.hashes(lengths);
    const wrong = lengths.findIndex((length, i) => actual[i] !== hashes.get(length));
    if (wrong >= 0) throw falseResult(`the first ${lengths[wrong]} bytes of its ${path} are others`);
  }
}

function falseResult(details: string): EvidenceError {
  return new EvidenceError('WINDOW_FALSE', 'the windows contradict the result', { details });
}
