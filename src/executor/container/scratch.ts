import { randomUUID } from 'node:crypto';
import { mkdirSync, readdirSync, renameSync, rmSync, statSync, statfsSync, truncateSync, utimesSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { EXT4_OVERHEAD_BYTES, EXT4_OVERHEAD_RATIO, MAX_SCRATCH_TEMPLATES } from '../constants.ts';
import { ExecutorError } from '../errors.ts';
import { runTool } from '../tool.ts';

/** Mounts of one run: its image below the skeleton, and its scratch disk. */
export interface RunMounts { root: string; scratch: string; kind: 'loop' | 'tmpfs' }

/**
 * Journal-less ext4 (the disk never outlives its run), inode tables left to the kernel, nothing reserved for root, no space
 * for growth: an empty gigabyte takes 80 kB and 13 ms, and a copy of it 2 ms.
 */
const MKFS_ARGS = ['-q', '-F', '-b', '4096', '-i', '16384', '-O', '^has_journal,^resize_inode', '-E', 'lazy_itable_init=1,nodiscard', '-m', '0', '-I', '256'];

/** One shell run for what would be four processes started from here; a failed loop mount says so by exit code. */
const MOUNT_SCRIPT = `
set -e
mkfifo -m 600 "$9" "\${10}"
mount -t overlay overlay -o "ro,nosuid,nodev,lowerdir=$1:$2" "$3"
if [ "$4" = loop ]; then
  cp --sparse=always -- "$5" "$6"
  mount -t ext4 -o loop,nosuid,nodev,noatime "$6" "$7" || exit 90
else
  mount -t tmpfs -o "nosuid,nodev,size=$8,mode=755" tmpfs "$7"
fi
`;
const LOOP_FAILED = 90;

export interface MountRunInit {
  /** The run's own directory. */
  directory: string;
  /** Mount point of the root; made when it is not there. */
  root: string;
  /** Layer with the mount points, over the image. */
  skeleton: string;
  rootfs: string;
  diskBytes: number;
  /** Named pipes to make for the job's two output streams. */
  pipes: [string, string];
  /** Where empty file systems are kept. */
  templates: string;
  /** `tmpfs` where a loop device is known not to work. */
  kind: RunMounts['kind'];
  signal?: AbortSignal;
}

/**
 * Mounts a run's root and a scratch disk of limited size, and makes its pipes. A loop device is released by the kernel with its mount
 * (autoclear), so it cannot outlive it. Without loop devices the disk is a tmpfs, which counts in the job's memory.
 *
 * @throws ExecutorError SCRATCH_FAILED, TOOL_MISSING, ABORTED
 */
export async function mountRun(init: MountRunInit): Promise<RunMounts> {
  const { directory, kind, signal } = init;
  const { root } = init;
  const scratch = path.join(directory, 'scratch');
  mkdirSync(path.dirname(root), { recursive: true, mode: 0o711 });
  mkdirSync(root, { recursive: true, mode: 0o711 });
  mkdirSync(scratch, { recursive: true });
  const template = kind === 'loop' ? await scratchTemplate(init.templates, init.diskBytes, signal) : '';
  const args = [init.skeleton, init.rootfs, root, kind, template, path.join(directory, 'scratch.img'), scratch, String(init.diskBytes), ...init.pipes];
  let code: number;
  try {
    ({ code } = await runTool('/bin/sh', ['-c', MOUNT_SCRIPT, 'gadus', ...args], { accept: [LOOP_FAILED], ...(signal ? { signal } : {}) }));
  } catch (error) {
    if (error instanceof ExecutorError && error.code === 'TOOL_FAILED') {
      throw new ExecutorError('SCRATCH_FAILED', 'the job\'s file systems could not be mounted', { cause: error, ...(error.details === undefined ? {} : { details: error.details }) });
    }
    throw error;
  }
  if (code !== LOOP_FAILED) return { root, scratch, kind };
  await unmount([root]);
  for (const file of [path.join(directory, 'scratch.img'), ...init.pipes]) rmSync(file, { force: true });
  return mountRun({ ...init, kind: 'tmpfs' });
}

/**
 * Lays a directory of the scratch disk over one of the image, so that a job can write where its image has files. Not the runtime's work: in a
 * user namespace it may not.
 */
export async function mountOver(init: { lower: string; upper: string; work: string; target: string; signal?: AbortSignal }): Promise<void> {
  mkdirSync(init.target, { recursive: true });
  const options = `nosuid,nodev,lowerdir=${init.lower},upperdir=${init.upper},workdir=${init.work}`;
  await runTool('mount', ['-t', 'overlay', 'overlay', '-o', options, init.target], init.signal ? { signal: init.signal } : {});
}

/** Unmounts what is mounted of these paths, lazily when something still holds on. */
export async function unmount(mountPoints: string[]): Promise<void> {
  if (mountPoints.length === 0) return;
  const { code } = await runTool('umount', ['--quiet', ...mountPoints], { accept: [1, 32, 64] });
  if (code !== 0) await runTool('umount', ['--quiet', '--lazy', ...mountPoints], { accept: [1, 32, 64] });
}

/** Room on a scratch disk, in bytes. */
export interface DiskSpace { used: number; free: number; noInodes: boolean }

export function diskSpace(scratch: string): DiskSpace {
  const { blocks, bfree, bavail, bsize, files, ffree } = statfsSync(scratch);
  return { used: (blocks - bfree) * bsize, free: bavail * bsize, noInodes: files > 0 && ffree === 0 };
}

/** Size of the file that gives a file system with `diskBytes` of room. */
export function imageBytes(diskBytes: number): number {
  const bytes = diskBytes * (1 + EXT4_OVERHEAD_RATIO) + EXT4_OVERHEAD_BYTES;
  return Math.ceil(bytes / 4096) * 4096;
}

export async function scratchTemplate(templates: string, diskBytes: number, signal?: AbortSignal): Promise<string> {
  const file = path.join(templates, `ext4-${diskBytes}.img`);
  const now = new Date();
  try {
    utimesSync(file, now, now);
    return file;
  } catch {
    // Not made yet.
  }
  mkdirSync(templates, { recursive: true });
  const draft = path.join(templates, `.draft-${randomUUID()}`);
  try {
    writeFileSync(draft, '', { mode: 0o600 });
    truncateSync(draft, imageBytes(diskBytes));
    await runTool('mkfs.ext4', [...MKFS_ARGS, draft], signal ? { signal } : {});
    renameSync(draft, file);
  } finally {
    rmSync(draft, { force: true });
  }
  forgetOldTemplates(templates);
  return file;
}

function forgetOldTemplates(templates: string): void {
  const names = readdirSync(templates).filter((name) => name.startsWith('ext4-'));
  const byAge = names.map((name) => ({ name, at: statSync(path.join(templates, name)).mtimeMs })).sort((a, b) => b.at - a.at);
  for (const { name } of byAge.slice(MAX_SCRATCH_TEMPLATES)) rmSync(path.join(templates, name), { force: true });
}
