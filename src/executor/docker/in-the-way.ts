import path from 'node:path';
import { statIfThere } from '../container/resolve-in-root.ts';
import type { MountPoint } from '../container/skeleton.ts';

/**
 * What of an image is in the way of mounts: a file or a link where a directory has to be, or the other way round. Docker refuses such a container; elsewhere a layer
 * over the image hides it.
 *
 * @returns absolute paths in the image, each once, sorted
 */
export function inTheWay(rootfs: string, points: readonly Pick<MountPoint, 'target' | 'directory'>[]): string[] {
  const found = new Set<string>();
  for (const { target, directory } of points) {
    const names = target.split('/').filter(Boolean);
    let at = '';
    for (const [i, name] of names.entries()) {
      at += `/${name}`;
      const there = statIfThere(path.join(rootfs, at));
      if (there === undefined) break;
      const last = i === names.length - 1;
      if (last && !directory ? there.isFile() : there.isDirectory()) continue;
      found.add(at);
      break;
    }
  }
  return [...found].sort();
}
