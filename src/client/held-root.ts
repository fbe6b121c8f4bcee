import { MAX_ROOT_BYTES } from './constants.ts';
import { parseCid, possessionRoot, type PossessionRoot } from '../protocol/index.ts';
import { contentStream, type Storage } from '../storage/index.ts';

/** Root over the contents of inputs that are all in this client's own store; undefined where some are not, there are none, or too many bytes to read now. @throws StorageError */
export async function heldRoot(storage: Pick<Storage, 'locality' | 'ls' | 'cat'>, inputs: readonly string[], signal: AbortSignal): Promise<PossessionRoot | undefined> {
  const cids = inputs.map((text) => parseCid(text));
  if (cids.length === 0) return undefined;
  let bytes = 0;
  for (const cid of cids) {
    const { share, totalBytes } = await storage.locality(cid, { signal });
    bytes += totalBytes;
    if (share < 1 || bytes > MAX_ROOT_BYTES) return undefined;
  }
  const root = await possessionRoot(contentStream(storage, cids, { signal }), { signal });
  return root.dataBytes === 0n ? undefined : root;
}
