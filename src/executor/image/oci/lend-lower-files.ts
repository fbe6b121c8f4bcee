import { link, mkdir, rmdir, unlink } from 'node:fs/promises';
import path from 'node:path';
import { isError } from '../../../protocol/index.ts';
import { resolveInRoot, statIfThere } from '../../container/resolve-in-root.ts';
import { ExecutorError } from '../../errors.ts';
import type { LayerListing } from './layer-listing.ts';

/** What keeps a name from being lent: then the layer has its own file there, or its link is to nothing. */
const NOT_THERE = ['EEXIST', 'ENOTDIR', 'ENAMETOOLONG', 'ENOENT', 'EMLINK'];

/**
 * Puts the files of lower layers that a layer's hard links are to where these look for them: links to them, in the directory that the layer is then unpacked
 * into. https://github.com/opencontainers/image-spec/blob/main/layer.md#hardlinks leaves open whether such links work; elsewhere they do. A file that the layer
 * has itself takes the lent one's place.
 *
 * Only regular files are lent, found by following links of the image within its root only: so nothing is in the layer's directory that leads out of it.
 *
 * @param layer an empty directory on the file system of `root`
 * @returns takes back what is still there, when the layer is unpacked
 * @throws ExecutorError IMAGE_INVALID for a loop of links
 */
export async function lendLowerFiles({ linked, directories }: Pick<LayerListing, 'linked' | 'directories'>, { layer, root }: { layer: string; root: string }): Promise<() => Promise<void>> {
  const lent: { name: string; ino: number }[] = [];
  for (const name of linked) {
    const lower = inTree(root, path.posix.join(resolved(root, path.posix.dirname(name)), path.posix.basename(name)));
    const stat = statIfThere(lower);
    if (!stat?.isFile()) continue;
    try {
      await mkdir(inTree(layer, path.posix.dirname(name)), { recursive: true });
      await link(lower, inTree(layer, name));
      lent.push({ name, ino: stat.ino });
    } catch (error) {
      if (!NOT_THERE.includes((error as NodeJS.ErrnoException).code!)) throw error;
    }
  }
  return async () => {
    for (const { name, ino } of lent) if (statInside(layer, name)?.ino === ino) await unlink(inTree(layer, name));
    // The directories made for them, where nothing of the layer's own is in them.
    for (const { name } of lent) {
      for (let at = path.posix.dirname(name); at !== '.' && !directories.has(at); at = path.posix.dirname(at)) {
        if (statInside(layer, at)?.isDirectory()) await rmdir(inTree(layer, at)).catch(() => undefined);
      }
    }
  };
}

/** A name of the image as a path on the host. */
function inTree(tree: string, name: string): Buffer {
  return Buffer.concat([Buffer.from(`${tree}/`), Buffer.from(name, 'latin1')]);
}

function resolved(root: string, directory: string): string {
  try {
    return resolveInRoot(root, directory, 'latin1');
  } catch (error) {
    throw isError(error, 'JOB_UNFIT') ? new ExecutorError('IMAGE_INVALID', 'the image has a loop of links', { details: directory.slice(0, 200), cause: error }) : error;
  }
}

/** What is at a name, looked for through real directories alone. */
function statInside(tree: string, name: string): ReturnType<typeof statIfThere> {
  const parent = path.posix.dirname(name);
  if (parent !== '.' && !statInside(tree, parent)?.isDirectory()) return undefined;
  return statIfThere(inTree(tree, name));
}
