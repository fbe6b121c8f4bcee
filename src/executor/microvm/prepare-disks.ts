import { mkdir, readdir, stat } from 'node:fs/promises';
import path from 'node:path';
import type { MountPlan } from '../container/mount-plan.ts';
import type { RunDirectory } from '../container/run-directory.ts';
import { scratchTemplate } from '../container/scratch.ts';
import { writeSkeleton } from '../container/skeleton.ts';
import type { RunRequest } from '../engine.ts';
import { runTool } from '../tool.ts';
import { DIRECT_FILE_BYTES, MAX_DIRECT_FILES } from './constants.ts';
import { writeErofs, type ErofsNode } from './erofs.ts';
import { IMAGE_DISK, INDEX_DISK, INPUTS_FOLDER, SCRATCH_DISK, SKELETON_FOLDER, directDisk, guestMountPoints } from './guest-orders.ts';
import { imageDisk } from './image-disk.ts';
import type { GuestDisk } from './vmm.ts';

/**
 * The disks of a run: the image, shared by all its runs; an index with the mount points and all that is small of the inputs; the
 * scratch disk; and each of the largest input files as a disk of its own, which the index refers to, so that it is never copied.
 *
 * @throws ExecutorError INPUT_UNREADABLE, TOOL_MISSING (mkfs.ext4), ABORTED
 */
export async function prepareDisks(stateDir: string, { spec, rootfs, signal }: RunRequest, plan: MountPlan, run: RunDirectory): Promise<GuestDisk[]> {
  writeSkeleton(run.skeleton, rootfs, guestMountPoints(plan));
  const direct = await largestFiles(plan.inputs.map(({ source }) => source));
  const index = path.join(run.path, 'index.erofs');
  const inputs = new Map<string, ErofsNode>(plan.inputs.map(({ source }, i) => [String(i), { kind: 'host', path: source }]));
  const scratch = path.join(run.path, 'scratch.img');
  const templates = path.join(stateDir, 'templates');
  await mkdir(templates, { recursive: true });
  const [image, template] = await Promise.all([
    imageDisk(path.join(stateDir, 'disks'), rootfs),
    scratchTemplate(templates, spec.resources.diskBytes, signal),
    writeErofs({
      out: index, direct,
      root: { kind: 'directory', entries: new Map([[SKELETON_FOLDER, { kind: 'host', path: run.skeleton }], [INPUTS_FOLDER, { kind: 'directory', entries: inputs }]]) },
    }),
  ]);
  await runTool('cp', ['--sparse=always', '--reflink=auto', '--', template, scratch], signal ? { signal } : {});
  return [
    { name: IMAGE_DISK, path: image, writable: false },
    { name: INDEX_DISK, path: index, writable: false },
    { name: SCRATCH_DISK, path: scratch, writable: true },
    ...direct.map((file, n) => ({ name: directDisk(n), path: file, writable: false })),
  ];
}

/** The largest files among the inputs and below them that are worth a disk of their own. */
async function largestFiles(sources: readonly string[]): Promise<string[]> {
  const found: { file: string; bytes: number }[] = [];
  const consider = async (file: string) => {
    const info = await stat(file);
    if (info.isFile() && info.size >= DIRECT_FILE_BYTES) found.push({ file, bytes: info.size });
  };
  for (const source of sources) {
    if (!(await stat(source)).isDirectory()) await consider(source);
    else {
      for (const entry of await readdir(source, { recursive: true, withFileTypes: true })) {
        // A name that is no text cannot be told apart from others by this path: it is copied.
        if (entry.isFile() && !entry.name.includes('\ufffd')) await consider(path.join(entry.parentPath, entry.name));
      }
    }
  }
  return found.sort((a, b) => b.bytes - a.bytes).slice(0, MAX_DIRECT_FILES).map(({ file }) => file);
}
