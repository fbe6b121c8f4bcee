import { merkleProof } from './merkle-tree.ts';
import { encodeLeaf } from './window-leaf.ts';
import { windowAt, type Windows, type WindowSource } from './windows-of.ts';

/** A window that was asked for: its bytes, and the hashes that lead from it to the root. */
export interface OpenedWindow { leaf: Uint8Array; proof: Uint8Array[] }

/** Opens one window of a run. @param windows what `windowsOf` makes of the source */
export function openWindow(source: WindowSource, windows: Windows, index: number): OpenedWindow {
  return { leaf: encodeLeaf(windowAt(source, index)), proof: merkleProof(windows.tree, index) };
}
