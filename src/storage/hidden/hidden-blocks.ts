import { randomUUID } from 'node:crypto';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { LocalBlocks } from '../blocks/local-blocks.ts';
import { removeTree } from '../inputs/remove-tree.ts';

/** Gives blocks for a moment that neither gateway nor peers are served from, nor any other part of the storage knows of; then they are removed. */
export async function withHiddenBlocks<T>(dir: string, use: (blocks: LocalBlocks) => Promise<T>): Promise<T> {
  const place = join(dir, randomUUID());
  // What is in them is for nobody else on this machine either.
  await mkdir(place, { recursive: true, mode: 0o700 });
  const blocks = new LocalBlocks(place);
  try {
    await blocks.open();
    return await use(blocks);
  } finally {
    await blocks.close();
    await removeTree(place);
  }
}
