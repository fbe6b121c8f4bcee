import type { Hex } from 'viem';
import { bytesToHex } from 'viem/utils';
import type { ChannelName, Trace } from '../../protocol/trace/trace.ts';
import { MIN_WINDOW_SAMPLES, MIN_WINDOWS, WINDOW_SAMPLES } from './constants.ts';
import { hashLeaf, merkleTree, type MerkleTree } from './merkle-tree.ts';
import type { OutputHistory } from './output-history.ts';
import { encodeLeaf, type WindowLeaf } from './window-leaf.ts';

/** What windows are cut from. */
export interface WindowSource { trace: Trace; output: OutputHistory }

/** All windows of a run as one hash. */
export interface Windows { count: number; root: Hex; tree: MerkleTree }

/** Samples of each window but the last, of a trace of so many: WINDOW_SAMPLES, fewer where there would be fewer than MIN_WINDOWS windows. */
export function windowSamples(samples: number): number {
  return Math.min(WINDOW_SAMPLES, Math.max(MIN_WINDOW_SAMPLES, Math.ceil(samples / MIN_WINDOWS)));
}

/** Windows that a trace of so many samples has. */
export function windowCount(samples: number): number {
  return Math.ceil(samples / windowSamples(samples));
}

/** The tree over a run's windows of `windowSamples` each, the last of what is left. Pure; O(samples + windows x files). */
export function windowsOf(source: WindowSource): Windows {
  const count = windowCount(source.trace.t.length);
  const tree = merkleTree(Array.from({ length: count }, (_, index) => hashLeaf(encodeLeaf(windowAt(source, index)))));
  return { count, root: bytesToHex(tree.root), tree };
}

/** One window; the last one has the output as it was in the end. */
export function windowAt({ trace, output }: WindowSource, index: number): WindowLeaf {
  const each = windowSamples(trace.t.length);
  const start = index * each;
  const end = Math.min(start + each, trace.t.length);
  const last = end === trace.t.length;
  const cut = (series: Float64Array) => series.slice(start, end);
  return {
    index,
    t: cut(trace.t),
    channels: Object.fromEntries(Object.entries(trace.channels).map(([name, series]) => [name, cut(series)])) as Partial<Record<ChannelName, Float64Array>>,
    written: last ? writtenIn(output, output.t.length - 1) : output.noted ? writtenIn(output, stateAt(output.t, trace.t[end - 1]!)) : null,
    others: last ? output.others : null,
  };
}

/** The last state that began no later, never that of the end; -1 before the first. */
function stateAt(t: Float64Array, now: number): number {
  let state = -1;
  // Bisection: a long run has thousands of states and as many windows.
  for (let low = 0, high = t.length - 2; low <= high;) {
    const middle = (low + high) >> 1;
    if (t[middle]! <= now) low = (state = middle) + 1;
    else high = middle - 1;
  }
  return state;
}

function writtenIn({ files, t }: OutputHistory, state: number): NonNullable<WindowLeaf['written']> {
  const final = state === t.length - 1;
  return files.flatMap(({ path, lengths, hashes }) => {
    const bytes = lengths[state] ?? 0;
    return bytes > 0 || final ? [{ path, bytes, hash: hashes[state]! }] : [];
  });
}
