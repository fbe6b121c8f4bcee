import { StorageError } from '../errors.ts';
import type { LocalBlocks } from './local-blocks.ts';
import type { Source } from '../source.ts';
import { verifyBlock } from './verify.ts';

/** The copy on this machine. A damaged block is removed, so that the next source can mend it. */
export function localSource(blocks: LocalBlocks): Source {
  return {
    name: 'local',
    local: true,
    check: (leaves) => blocks.verifyMany(leaves),
    has: async (cid) => await blocks.sizeOfOwn(cid) !== undefined,
    async read(cid, { signal, borrowed = false }) {
      const bytes = await blocks.readOwn(cid, { signal, borrowed });
      if (bytes === undefined) throw new StorageError('NOT_FOUND', 'not on this machine');
      try {
        verifyBlock(cid, bytes);
      } catch (cause) {
        await blocks.delete(cid);
        throw new StorageError('NOT_FOUND', 'a damaged block was removed', { details: cid.toString(), cause });
      }
      return bytes;
    },
  };
}
