import { createHash } from 'node:crypto';
import { chown, link, mkdir, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { existsSync, rmdirSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { cpuQuotaUs } from '../../cgroup/limits.ts';
import { cgroupsPath, type CgroupLayout } from '../../cgroup/layout.ts';
import { CPU_PERIOD_US } from '../../constants.ts';
import { ExecutorError } from '../../errors.ts';
import { runTool } from '../../tool.ts';
import { monitorId } from '../../rootless/unprivileged-ids.ts';
import type { GuestDisk, VmmInit } from '../vmm.ts';
import { MONITOR_MEMORY_BYTES, STOP_TIMEOUT_MS } from '../constants.ts';
import { MAX_OPEN_FILES, MONITOR_THREADS, RETRY_MS } from './constants.ts';

/** A monitor's jail: all it can see of this machine, as a user of its own, in a control group of its own. */
export interface Jail {
  /** Name of the monitor and of its control group. */
  id: string;
  uid: number;
  /** Host path of its root directory. */
  root: string;
  /** Command line of the jailer. */
  args: string[];
}

const PARENT_CGROUP = 'gadus-vm';
/** Names in the jail. */
export const KERNEL_FILE = 'kernel';
export const INITRD_FILE = 'initrd';
export const API_SOCKET = 'api.sock';
export const VSOCK_SOCKET = 'vsock.sock';
export const LOG_PIPE = 'log';
export const METRICS_PIPE = 'metrics';
export const diskFile = (name: string): string => `disk-${name}`;

/** Name of a run's monitor: the jailer takes 64 characters of letters, digits and dashes. */
export function jailId(runName: string): string {
  return `gadus-${createHash('sha256').update(runName).digest('hex').slice(0, 32)}`;
}

/** Decides on a jail. The jailer makes the root, enters it, gives up its rights and becomes the monitor. */
export function planJail(init: Pick<VmmInit, 'name' | 'directory' | 'memoryBytes' | 'vcpus' | 'disks'>, firecracker: string, layout: CgroupLayout | undefined): Jail {
  const id = jailId(init.name);
  const uid = monitorId(init.name);
  const base = path.join(init.directory, 'jail');
  const limits = layout === undefined ? [] : cgroupLimits(init, layout.version === 'v2');
  return {
    id, uid,
    root: path.join(base, path.basename(firecracker), id, 'root'),
    args: [
      '--id', id, '--exec-file', firecracker, '--uid', String(uid), '--gid', String(uid), '--chroot-base-dir', base,
      ...(layout === undefined ? [] : ['--cgroup-version', layout.version === 'v2' ? '2' : '1', '--parent-cgroup', parentGroup(layout)]),
      ...limits.flatMap((limit) => ['--cgroup', limit]),
      '--resource-limit', `no-file=${MAX_OPEN_FILES}`, '--resource-limit', `fsize=${largestFile(init.disks)}`,
      '--', '--api-sock', `/${API_SOCKET}`,
    ],
  };
}

/** Makes the jail's directory and puts in what the monitor needs: links where the file system allows it, bind mounts elsewhere, never copies. */
export async function fillJail({ root, uid }: Jail, { kernel, initrd, disks }: Pick<VmmInit, 'kernel' | 'initrd' | 'disks'>): Promise<void> {
  await mkdir(root, { recursive: true, mode: 0o700 });
  await chown(root, uid, uid);
  for (const [from, name] of [[kernel, KERNEL_FILE], [initrd, INITRD_FILE]] as const) await share(from, path.join(root, name));
  for (const disk of disks) {
    const to = path.join(root, diskFile(disk.name));
    if (disk.writable) {
      await link(disk.path, to);
      await chown(to, uid, uid);
    } else await share(disk.path, to);
  }
}

async function share(from: string, to: string): Promise<void> {
  try {
    await link(from, to);
  } catch (error) {
    // Another file system, or one that takes no more links.
    if (!['EXDEV', 'EMLINK', 'EPERM'].includes((error as NodeJS.ErrnoException).code!)) throw error;
    await writeFile(to, '');
    await runTool('mount', ['--bind', '-o', 'ro', from, to]);
  }
}

/**
 * The kernel's timer of a guest runs in a thread of the kernel's, outside the monitor's group: it is moved there, or a guest could have
 * work done on nobody's account (Firecracker's docs/prod-host-setup.md). A kernel without such a thread, or that moves it by itself, is as good.
 */
export async function adoptTimerThread(pid: number, layout: CgroupLayout | undefined, id: string): Promise<void> {
  if (layout === undefined) return;
  for (const thread of (await readdir('/proc')).filter((name) => /^\d+$/.test(name))) {
    if ((await readFile(`/proc/${thread}/comm`, 'utf8').catch(() => '')).trim() !== `kvm-pit/${pid}`) continue;
    for (const group of groupDirectories(layout, id)) await writeFile(path.join(group, layout.version === 'v2' ? 'cgroup.procs' : 'tasks'), thread).catch(() => undefined);
  }
}

/**
 * Removes the control groups of a monitor that has left; what is in its directory goes with the run's. The last thread of a virtual machine may
 * leave moments after the process. @throws ExecutorError VMM_FAILED
 */
export async function removeJailGroups(layout: CgroupLayout | undefined, id: string): Promise<void> {
  if (layout === undefined) return;
  for (const end = performance.now() + STOP_TIMEOUT_MS; ; await delay(RETRY_MS)) {
    const left = groupDirectories(layout, id).filter((group) => {
      try {
        rmdirSync(group);
        return false;
      } catch (error) {
        return (error as NodeJS.ErrnoException).code === 'EBUSY';
      }
    });
    if (left.length === 0) return;
    if (performance.now() > end) throw new ExecutorError('VMM_FAILED', 'a control group of a monitor could not be removed', { details: left.join(', ') });
  }
}

/** Removes a jail that is not mounted over. */
export async function emptyJail({ root }: Jail): Promise<void> {
  for (const name of await readdir(root).catch(() => [])) await runTool('umount', ['--quiet', path.join(root, name)], { accept: [1, 32, 64] });
  await rm(root, { recursive: true, force: true });
}

/** The group of all monitors, from a hierarchy's root: the jailer takes no path that begins there. */
function parentGroup(layout: CgroupLayout): string {
  return path.posix.relative('/', cgroupsPath(layout, PARENT_CGROUP));
}

function groupDirectories(layout: CgroupLayout, id: string): string[] {
  const roots = [...new Set([...layout.controllers.values(), ...(layout.version === 'v2' && layout.unified !== undefined ? [layout.unified] : [])])];
  return roots.map((root) => path.join(root, parentGroup(layout), id)).filter((group) => existsSync(group));
}

function cgroupLimits({ memoryBytes, vcpus }: Pick<VmmInit, 'memoryBytes' | 'vcpus'>, v2: boolean): string[] {
  const memory = memoryBytes + MONITOR_MEMORY_BYTES;
  const quota = cpuQuotaUs(vcpus);
  const threads = MONITOR_THREADS + vcpus;
  return v2
    ? [`memory.max=${memory}`, 'memory.swap.max=0', `cpu.max=${quota} ${CPU_PERIOD_US}`, `pids.max=${threads}`]
    : [`memory.limit_in_bytes=${memory}`, `cpu.cfs_period_us=${CPU_PERIOD_US}`, `cpu.cfs_quota_us=${quota}`, `pids.max=${threads}`];
}

/** A monitor writes nothing but to its scratch disk. */
function largestFile(disks: readonly GuestDisk[]): number {
  return disks.some(({ writable }) => writable) ? 2 ** 50 : 0;
}
