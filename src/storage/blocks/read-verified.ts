import type { CID } from 'multiformats/cid';
import type { LocalBlocks } from './local-blocks.ts';
import { isError } from '../../protocol/base/errors.ts';
import { verifyBlock } from './verify.ts';

/** A block of this machine, in memory that may be given back if it is `borrowed`, that is what its CID names, or undefined: whoever serves damaged blocks is taken for a liar. */
export async function readVerified(blocks: LocalBlocks, cid: CID, { borrowed = true } = {}): Promise<Uint8Array | undefined> {
  const bytes = await blocks.read(cid, { borrowed });
  if (bytes === undefined) return undefined;
  try {
    verifyBlock(cid, bytes);
    return bytes;
  } catch (error) {
    if (isError(error)) return undefined;
    throw error;
  }
}
