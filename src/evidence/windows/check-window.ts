import type { Hex } from 'viem';
import { hexToBytes } from 'viem/utils';
import type { Trace } from '../../protocol/trace/trace.ts';
import { EvidenceError } from '../errors.ts';
import { hashLeaf, verifyMerkleProof } from './merkle-tree.ts';
import type { OpenedWindow } from './open-window.ts';
import { decodeLeaf, type WindowLeaf } from './window-leaf.ts';
import { windowCount, windowSamples } from './windows-of.ts';

/** What a window is held against: the committed root, and the trace of the same evidence. */
export interface WindowClaim { root: Hex; trace: Trace; index: number }

/**
 * Checks one opened window: it is the one that was asked for, part of what was committed to, and has the samples of the trace.
 *
 * @throws EvidenceError WINDOW_FALSE, EVIDENCE_MALFORMED, EVIDENCE_TOO_LARGE
 */
export function checkWindow({ leaf: bytes, proof }: OpenedWindow, { root, trace, index }: WindowClaim): WindowLeaf {
  const count = windowCount(trace.t.length);
  if (!verifyMerkleProof(hexToBytes(root), hashLeaf(bytes), index, count, proof)) throw falseWindow(index, 'it is not part of what was committed to');
  const leaf = decodeLeaf(bytes);
  if (leaf.index !== index) throw falseWindow(index, `it says it is window ${leaf.index}`);
  const each = windowSamples(trace.t.length);
  const part = (series: Float64Array, whole: Float64Array) => isPart(series, whole.subarray(index * each, (index + 1) * each));
  if (!part(leaf.t, trace.t)) throw falseWindow(index, 'its times are not those of the trace');
  const names = Object.keys(trace.channels) as (keyof Trace['channels'])[];
  if (Object.keys(leaf.channels).length !== names.length) throw falseWindow(index, 'its channels are not those of the trace');
  for (const name of names) {
    const series = leaf.channels[name];
    if (series === undefined || !part(series, trace.channels[name]!)) throw falseWindow(index, `its ${name} is not that of the trace`);
  }
  return leaf;
}

/** Whether a series is the part of another that a window has. */
function isPart(series: Float64Array, part: Float64Array): boolean {
  return series.length === part.length && series.every((value, i) => Object.is(value, part[i]));
}

function falseWindow(index: number, details: string): EvidenceError {
  return new EvidenceError('WINDOW_FALSE', `window ${index} is false`, { details });
}
