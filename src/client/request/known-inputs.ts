import type { CID } from 'multiformats/cid';
import { parseCid, possessionRoot, type PossessionRoot } from '../../protocol/index.ts';
import { contentStream, type Storage } from '../../storage/index.ts';
import { MAX_ROOT_BYTES } from '../constants.ts';

/** What this client knows of the size of something; 0 is what it does not. */
export interface KnownSize { bytes: number; blocks: number }

/** What this client knows of a job's inputs. */
export interface KnownInputs extends KnownSize {
  /** Root over their contents. */
  root?: PossessionRoot;
}

/**
 * Looks at a job's inputs, which tells something where all are in this client's own store, and more where they are not too many bytes to read now.
 *
 * @param given the root, where the caller knows it
 * @throws StorageError
 */
export async function knownInputs(
  storage: Pick<Storage, 'locality' | 'ls' | 'cat'>, inputs: readonly string[], { given, signal }: { given?: PossessionRoot | undefined; signal: AbortSignal },
): Promise<KnownInputs> {
  if (given !== undefined) return { bytes: Number(given.dataBytes), blocks: 0, root: given };
  const cids = inputs.map((text) => parseCid(text));
  const size = await heldSize(storage, cids, signal);
  if (size === undefined || size.bytes === 0 || size.bytes > MAX_ROOT_BYTES) return size ?? { bytes: 0, blocks: 0 };
  const root = await possessionRoot(contentStream(storage, cids, { signal }), { signal });
  return { ...size, ...(root.dataBytes === 0n ? {} : { root }) };
}

/** Whether all inputs are in this client's own store, and not too many bytes to read now. */
export async function holdsInputs(storage: Pick<Storage, 'locality'>, inputs: readonly CID[], signal: AbortSignal): Promise<boolean> {
  const size = await heldSize(storage, inputs, signal);
  return size !== undefined && size.bytes <= MAX_ROOT_BYTES;
}

/** Of inputs that are all in this client's own store. */
async function heldSize(storage: Pick<Storage, 'locality'>, inputs: readonly CID[], signal: AbortSignal): Promise<KnownSize | undefined> {
  const size = { bytes: 0, blocks: 0 };
  for (const cid of inputs) {
    const { share, totalBytes, blocks } = await storage.locality(cid, { signal });
    if (share < 1) return undefined;
    size.bytes += totalBytes;
    size.blocks += blocks;
  }
  return size;
}
