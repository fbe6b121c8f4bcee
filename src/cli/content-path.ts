import type { CID } from 'multiformats/cid';
import { parseCid } from '../protocol/index.ts';
import type { Storage } from '../storage/index.ts';

/** A CID, and names on the way from it to what is meant. */
export interface ContentPath { root: CID; names: string[] }

/** Reads `CID`, `CID/folder/file` and the same behind `/ipfs/`. @throws ProtocolError CID_INVALID */
export function parseContentPath(text: string): ContentPath {
  const [root = '', ...names] = text.replace(/^(ipfs:\/\/|\/ipfs\/)/, '').split('/').filter((part) => part !== '');
  return { root: parseCid(root), names };
}

/** The CID at the end of a path; only the folders on the way are read. @throws StorageError NOT_A_DIRECTORY, NOT_FOUND, DAG_INVALID */
export async function resolveContentPath(storage: Pick<Storage, 'entry'>, { root, names }: ContentPath, signal: AbortSignal): Promise<CID> {
  let cid = root;
  for (const name of names) cid = await storage.entry(cid, name, { signal });
  return cid;
}
