import type { CID } from 'multiformats/cid';
import { parseCid, possessionRoot, type PossessionRoot } from '../../protocol/index.ts';
import { contentStream, type Storage } from '../../storage/index.ts';
import { MAX_ROOT_BYTES } from '../constants.ts';

/** Root over the contents of inputs that are all in this client's own store; undefined where they are not, or there are none. @throws StorageError */
export async function heldRoot(storage: Pick<Storage, 'locality' | 'ls' | 'cat'>, inputs: readonly string[], signal: AbortSignal): Promise<PossessionRoot | undefined> {
  const cids = inputs.map((text) => parseCid(text));
  if (cids.length === 0 || !await holdsInputs(storage, cids, signal)) return undefined;
  const root = await possessionRoot(contentStream(storage, cids, { signal }), { signal });
  return root.dataBytes === 0n ? undefined : root;
}

/** Whether all inputs are in this client's own store, and not too many bytes to read now. */
export async function holdsInputs(storage: Pick<Storage, 'locality'>, inputs: readonly CID[], signal: AbortSignal): Promise<boolean> {
  let bytes = 0;
  for (const cid of inputs) {
    const { share, totalBytes } = await storage.locality(cid, { signal });
    bytes += totalBytes;
    if (share < 1 || bytes > MAX_ROOT_BYTES) return false;
  }
  return true;
}
