import { lstat, mkdir, readdir, rename, rm, chmod, utimes } from 'node:fs/promises';
import { joinBytes } from '../../join-bytes.ts';
import { ExecutorError } from '../../errors.ts';

const WHITEOUT = Buffer.from('.wh.');
const OPAQUE = Buffer.from('.wh..wh..opq');

/**
 * Moves an unpacked layer onto a root file system: https://github.com/opencontainers/image-spec/blob/main/layer.md#applying-changesets
 *
 * Both trees are walked by their real directories; a link of either is moved or removed, never followed, so nothing outside the
 * two is touched. An entry replaces what is in its place unless both are directories.
 *
 * @param layer a directory on the same file system, used up by this
 * @throws ExecutorError IMAGE_INVALID for a whiteout of no name
 */
export function applyLayer(layer: string, root: string): Promise<void> {
  return apply(Buffer.from(layer), Buffer.from(root));
}

/** Names are bytes: an image may have some that are no text. */
async function apply(layer: Buffer, root: Buffer): Promise<void> {
  const names = await readdir(layer, { encoding: 'buffer' });
  const isMark = (name: Buffer) => name.subarray(0, WHITEOUT.length).equals(WHITEOUT);
  // Marks first: they are about what lies below, not about what this layer brings.
  if (names.some((name) => name.equals(OPAQUE))) for (const name of await readdir(root, { encoding: 'buffer' })) await rm(joinBytes(root, name), { recursive: true, force: true });
  for (const name of names.filter((one) => isMark(one) && !one.equals(OPAQUE))) {
    const hidden = name.subarray(WHITEOUT.length);
    if (['', '.', '..'].includes(hidden.toString('latin1'))) throw new ExecutorError('IMAGE_INVALID', 'a layer removes what has no name', { details: JSON.stringify(name.toString()) });
    await rm(joinBytes(root, hidden), { recursive: true, force: true });
  }
  for (const name of names.filter((one) => !isMark(one))) {
    const from = joinBytes(layer, name);
    const to = joinBytes(root, name);
    const [source, target] = [await lstat(from), await lstat(to).catch(() => undefined)];
    if (!source.isDirectory()) {
      if (target) await rm(to, { recursive: true, force: true });
      await rename(from, to);
      continue;
    }
    if (target && !target.isDirectory()) await rm(to, { force: true });
    if (!target?.isDirectory()) await mkdir(to);
    await apply(from, to);
    await chmod(to, source.mode & 0o1777);
    await utimes(to, source.atime, source.mtime);
  }
}
