import { chmodSync, chownSync, lstatSync, mkdirSync, statSync, utimesSync, writeFileSync, type Stats } from 'node:fs';
import path from 'node:path';
import { statIfThere } from './resolve-in-root.ts';

/** A place in the job's file system where something is mounted. `mode` overrides the image's. */
export interface MountPoint { target: string; directory: boolean; mode?: number }

/**
 * Makes the mount points that an image lacks, as a layer to lie over the image in a read-only overlay, so that an image
 * shared by many runs is never written to.
 *
 * A directory of the layer hides the attributes of the image's one: they are copied. What the image lacks belongs to its root's owner.
 */
export function writeSkeleton(layer: string, rootfs: string, points: MountPoint[]): void {
  const owner = statSync(rootfs);
  copyAttributes(layer, rootfs, owner);
  const made = new Set<string>();
  for (const { target, directory, mode } of points) {
    const names = target.split('/').filter(Boolean);
    const last = names.pop()!;
    let at = '';
    for (const name of directory ? [...names, last] : names) {
      at += `/${name}`;
      if (made.has(at)) continue;
      made.add(at);
      mkdirSync(path.join(layer, at), { recursive: true });
      copyAttributes(path.join(layer, at), path.join(rootfs, at), owner);
    }
    if (!directory) {
      writeFileSync(path.join(layer, target), '', { flag: 'a' });
      if (process.getuid?.() === 0) chownSync(path.join(layer, target), owner.uid, owner.gid);
    }
    if (mode !== undefined) chmodSync(path.join(layer, target), mode);
  }
}

function copyAttributes(to: string, from: string, owner: Pick<Stats, 'uid' | 'gid'>): void {
  const stat = statIfThere(from);
  const { uid, gid } = stat?.isDirectory() ? stat : owner;
  if (process.getuid?.() === 0) chownSync(to, uid, gid);
  if (stat?.isDirectory()) {
    chmodSync(to, stat.mode & 0o7777);
    utimesSync(to, stat.atime, stat.mtime);
  } else {
    chmodSync(to, lstatSync(to).isDirectory() ? 0o755 : 0o644);
  }
}
