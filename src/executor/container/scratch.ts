import { randomUUID } from 'node:crypto';
import { chmodSync, lstatSync, mkdirSync, readdirSync, renameSync, rmSync, statSync, statfsSync, truncateSync, utimesSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { BYTES_PER_INODE, EXT4_OVERHEAD_BYTES, EXT4_OVERHEAD_RATIO, MAX_SCRATCH_TEMPLATES, SPARE_INODES } from '../constants.ts';
import { ExecutorError } from '../errors.ts';
import { claimProject, forgetProject } from './project-quota.ts';
import { inUserNamespace } from '../rootless/user-namespace.ts';
import { runTool } from '../tool.ts';

/** Mounts of one run: its image below the skeleton, and its scratch disk. */
export interface RunMounts { root: string; scratch: string; kind: ScratchKind }

/**
 * What a job's disk is: a folder with a project quota where the file system keeps those; a file with ext4 in it, mounted by a loop device or, where this
 * process is root of a user namespace alone, by fuse2fs; or memory.
 */
export type ScratchKind = 'quota' | 'loop' | 'fuse' | 'tmpfs';

/** What is tried next where one does not work. */
const OTHERWISE: Record<ScratchKind, ScratchKind> = { quota: 'loop', loop: 'tmpfs', fuse: 'tmpfs', tmpfs: 'tmpfs' };

/**
 * Journal-less ext4 (the disk never outlives its run), inode tables left to the kernel, nothing reserved for root, no space
 * for growth: an empty gigabyte takes 80 kB and 13 ms, and a copy of it 2 ms.
 */
const MKFS_ARGS = ['-q', '-F', '-b', '4096', '-i', String(BYTES_PER_INODE), '-O', '^has_journal,^resize_inode', '-E', 'lazy_itable_init=1,nodiscard', '-m', '0', '-I', '256'];

const DISK_SCRIPTS: Record<ScratchKind, string> = {
  quota: 'chattr -p "$PROJECT" +P "$SCRATCH" && setquota -P "$PROJECT" 0 "$KIB" 0 "$INODES" "$QUOTA_MOUNT" || exit 90',
  loop: 'cp --sparse=always -- "$TEMPLATE" "$DISK"; mount -t ext4 -o loop,nosuid,nodev,noatime "$DISK" "$SCRATCH" || exit 90',
  fuse: 'cp --sparse=always -- "$TEMPLATE" "$DISK"; fuse2fs -o allow_other,default_permissions,nosuid,nodev,noatime "$DISK" "$SCRATCH" || exit 90',
  tmpfs: 'mount -t tmpfs -o "nosuid,nodev,size=$BYTES,mode=755" tmpfs "$SCRATCH"',
};
const DISK_FAILED = 90;

/** One shell run for what would be four processes started from here; a failed mount of the disk says so by exit code. */
const mountScript = (kind: ScratchKind) => `
set -e
mkfifo -m 600 "$PIPE0" "$PIPE1"
mount -t overlay overlay -o "ro,nosuid,nodev,lowerdir=$SKELETON:$ROOTFS" "$ROOT"
${DISK_SCRIPTS[kind]}
`;

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
  /** What is tried first. */
  kind: ScratchKind;
  signal?: AbortSignal;
}

/**
 * Mounts a run's root and a scratch disk of limited size, and makes its pipes. A loop device is released by the kernel with its mount
 * (autoclear), so it cannot outlive it. Where the disk cannot be had it is a tmpfs, which counts in the job's memory.
 *
 * @throws ExecutorError SCRATCH_FAILED, TOOL_MISSING, ABORTED
 */
export async function mountRun(init: MountRunInit): Promise<RunMounts> {
  const { directory, kind, signal, diskBytes, root } = init;
  const scratch = path.join(directory, 'scratch');
  makeMountPoint(root);
  mkdirSync(scratch, { recursive: true, mode: 0o755 });
  const project = kind === 'quota' ? claimProject(directory) : undefined;
  const env = {
    SKELETON: init.skeleton, ROOTFS: init.rootfs, ROOT: root, SCRATCH: scratch, DISK: diskFile(directory), BYTES: String(diskBytes), PIPE0: init.pipes[0], PIPE1: init.pipes[1],
    TEMPLATE: kind === 'loop' || kind === 'fuse' ? await scratchTemplate(init.templates, diskBytes, signal) : '',
    ...(project === undefined ? {} : { PROJECT: String(project.id), QUOTA_MOUNT: project.mountPoint, KIB: String(Math.ceil(diskBytes / 1024)), INODES: String(Math.ceil(diskBytes / BYTES_PER_INODE) + SPARE_INODES) }),
  };
  let code: number;
  try {
    ({ code } = await runTool('/bin/sh', ['-c', mountScript(kind), 'gadus'], { env, accept: [DISK_FAILED], ...(signal ? { signal } : {}) }));
  } catch (error) {
    if (error instanceof ExecutorError && error.code === 'TOOL_FAILED') {
      throw new ExecutorError('SCRATCH_FAILED', 'the job\'s file systems could not be mounted', { cause: error, ...(error.details === undefined ? {} : { details: error.details }) });
    }
    throw error;
  }
  // A quota that is counted and not enforced leaves the whole file system.
  if (code !== DISK_FAILED && (kind !== 'quota' || diskSpace(scratch).free <= imageBytes(diskBytes))) return { root, scratch, kind };
  await unmount([root]);
  if (kind === 'quota') {
    await forgetProject(directory);
    rmSync(scratch, { recursive: true, force: true });
  }
  for (const file of [diskFile(directory), ...init.pipes]) rmSync(file, { force: true });
  return mountRun({ ...init, kind: OTHERWISE[kind] });
}

/** A place of this process's own in a folder that others may look through, whatever the umask. @throws ExecutorError SCRATCH_FAILED where somebody else has it */
function makeMountPoint(root: string): void {
  for (const directory of [path.dirname(root), root]) {
    mkdirSync(directory, { recursive: true });
    const stat = lstatSync(directory);
    if (!stat.isDirectory() || stat.uid !== process.getuid?.()) throw new ExecutorError('SCRATCH_FAILED', 'the place where roots are mounted is somebody else\'s', { details: directory });
    chmodSync(directory, 0o711);
  }
}

/**
 * Lays a directory of the scratch disk over one of the image, so that a job can write where its image has files. Not the runtime's work: in a
 * user namespace it may not.
 */
export async function mountOver(init: { lower: string; upper: string; work: string; target: string; signal?: AbortSignal }): Promise<void> {
  mkdirSync(init.target, { recursive: true });
  // In a user namespace overlayfs keeps its marks where users may.
  const options = `nosuid,nodev,${inUserNamespace() ? 'userxattr,' : ''}lowerdir=${init.lower},upperdir=${init.upper},workdir=${init.work}`;
  await runTool('mount', ['-t', 'overlay', 'overlay', '-o', options, init.target], init.signal ? { signal: init.signal } : {});
}

/** Unmounts what is mounted of these paths, lazily when something still holds on. */
export async function unmount(mountPoints: string[]): Promise<void> {
  if (mountPoints.length === 0) return;
  const { code } = await runTool('umount', ['--quiet', ...mountPoints], { accept: [1, 32, 64] });
  if (code !== 0) await runTool('umount', ['--quiet', '--lazy', ...mountPoints], { accept: [1, 32, 64] });
}

/** The file with a run's disk in it. */
export function diskFile(directory: string): string {
  return path.join(directory, 'scratch.img');
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
