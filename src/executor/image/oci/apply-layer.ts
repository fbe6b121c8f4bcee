import { lstat, mkdir, readdir, rename, rm, chmod, utimes } from 'node:fs/promises';
import path from 'node:path';
import { ExecutorError } from '../../errors.ts';

const WHITEOUT = '.wh.';
const OPAQUE = '.wh..wh..opq';

/**
 * Moves an unpacked layer onto a root file system: https://github.com/opencontainers/image-spec/blob/main/layer.md#applying-changesets
 *
 * Both trees are walked by their real directories; a link of either is moved or removed, never followed, so nothing outside the
 * two is touched. An entry replaces what is in its place unless both are directories.
 *
 * @param layer a directory on the same file system, used up by this
 * @throws ExecutorError IMAGE_INVALID for a whiteout of no name
 */
export async function applyLayer(layer: string, root: string): Promise<void> {
  const names = await readdir(layer);
  // Marks first: they are about what lies below, not about what this layer brings.
  if (names.includes(OPAQUE)) for (const name of await readdir(root)) await rm(path.join(root, name), { recursive: true, force: true });
  for (const name of names.filter((one) => one.startsWith(WHITEOUT) && one !== OPAQUE)) {
    const hidden = name.slice(WHITEOUT.length);
    if (['', '.', '..'].includes(hidden)) throw new ExecutorError('IMAGE_INVALID', 'a layer removes what has no name', { details: JSON.stringify(name) });
    await rm(path.join(root, hidden), { recursive: true, force: true });
  }
  for (const name of names.filter((one) => !one.startsWith(WHITEOUT))) {
    const from = path.join(layer, name);
    const to = path.join(root, name);
    const [source, target] = [await lstat(from), await lstat(to).catch(() => undefined)];
    if (!source.isDirectory()) {
      if (target) await rm(to, { recursive: true, force: true });
      await rename(from, to);
      continue;
    }
    if (target && !target.isDirectory()) await rm(to, { force: true });
    if (!target?.isDirectory()) await mkdir(to);
    await applyLayer(from, to);
    await chmod(to, source.mode & 0o1777);
    await utimes(to, source.atime, source.mtime);
  }
}
