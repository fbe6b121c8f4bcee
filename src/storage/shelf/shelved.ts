import type { CID } from 'multiformats/cid';
import { StorageError } from '../errors.ts';
import type { Catalogue } from './catalogue.ts';

/** A whole piece in a file of this machine: where, and the roots of the DAGs in it. @throws StorageError NOT_FOUND */
export async function pieceFile(catalogue: Catalogue, cid: CID): Promise<{ path: string; roots: string[] }> {
  const file = await catalogue.piece(cid);
  if (file === undefined) throw new StorageError('NOT_FOUND', 'no such piece is here', { details: cid.toString() });
  return { path: file.path, roots: file.roots };
}

/** Files on these shelves that could not be used, or not wholly, and why. */
export async function problemsOf(catalogue: Catalogue, shelves: readonly { name: string }[]): Promise<{ path: string; problem: string }[]> {
  const problems: { path: string; problem: string }[] = [];
  for (const { name } of shelves) {
    for await (const { path, problem } of catalogue.files(name)) if (problem !== undefined) problems.push({ path, problem });
  }
  return problems;
}
