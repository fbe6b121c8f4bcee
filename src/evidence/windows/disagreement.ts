import type { WindowLeaf } from './window-leaf.ts';

/**
 * What two runs with the identical result cannot both say: another final state of a file, or another hash of the same first bytes.
 * Needs no result; two runs that never noted the same length of a file agree.
 *
 * @returns in words, or undefined
 */
export function disagreement(a: readonly WindowLeaf[], b: readonly WindowLeaf[]): string | undefined {
  const known = new Map(a.flatMap(({ written }) => (written ?? []).map(({ path, bytes, hash }) => [`${bytes} ${path}`, hash])));
  const ends = new Map(a.at(-1)?.written?.map(({ path, bytes }) => [path, bytes]));
  for (const { path, bytes } of b.at(-1)?.written ?? []) {
    if (ends.get(path) !== bytes) return `${path} ends at ${bytes} bytes, not at ${ends.get(path) ?? 0}`;
  }
  for (const { path, bytes, hash } of b.flatMap(({ written }) => written ?? [])) {
    const other = known.get(`${bytes} ${path}`);
    if (other !== undefined && other !== hash) return `the first ${bytes} bytes of ${path} are not those of the identical result`;
  }
  return undefined;
}
