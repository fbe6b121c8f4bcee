import path from 'node:path';
import type { JobSpec } from '../../protocol/index.ts';
import { cpuQuotaUs, type ResourceLimits } from '../cgroup/limits.ts';
import {
  CPU_PERIOD_US, DEFAULT_PATH, HARD_OPEN_FILES, INIT_PATH, JOB_GID, JOB_UID, MAX_TMP_BYTES, SOFT_OPEN_FILES,
} from '../constants.ts';
import { proxyEnvironment } from '../egress/proxy-environment.ts';
import { INIT_SCRIPT } from '../init-script.ts';
import { imageOwner, type UnprivilegedId } from '../rootless/unprivileged-ids.ts';
import type { ContainerVariant } from './container-variant.ts';
import { FIXED_TARGETS, type MountPlan } from './mount-plan.ts';
import { seccompProfile } from './seccomp.ts';
import type { MountPoint } from './skeleton.ts';

export interface BundleInit {
  spec: JobSpec;
  plan: MountPlan;
  /** Limits in force until the start mark. */
  limits: ResourceLimits;
  /** Whether the kernel accounts swap; limiting it otherwise is an error. */
  swap: boolean;
  cgroupsPath: string;
  /** Host path of the init binary. */
  initBinary: string;
  /** Mounted root, absolute. */
  root: string;
  /** Mount point of the scratch disk. */
  scratch: string;
  /** Hard limit of open files of this process, which a container cannot exceed. */
  openFiles: number;
  /** Who the job is on this machine, in a user namespace of its own; without one it is nobody. */
  user?: UnprivilegedId;
  variant?: ContainerVariant;
  /** Host path of the variant's instruction count. */
  counter?: string;
}

interface Mount { destination: string; type: string; source: string; options: string[] }

/** Files of /proc that tell about the host or let it be touched: the lists every OCI engine uses. */
const MASKED = ['acpi', 'asound', 'interrupts', 'kcore', 'keys', 'latency_stats', 'timer_list', 'timer_stats', 'sched_debug', 'scsi', 'sysrq-trigger'];
const READ_ONLY = ['bus', 'fs', 'irq', 'sys'];

/** The OCI `config.json` of a job: https://github.com/opencontainers/runtime-spec/blob/main/config.md (1.0.2). */
export function bundleConfig(init: BundleInit): Record<string, unknown> {
  const { spec, plan, limits, openFiles, variant, user } = init;
  const env = variant?.env ?? jobEnvironment(spec);
  const none: string[] = [];
  return {
    ociVersion: '1.0.2',
    hostname: 'gadus',
    root: { path: init.root, readonly: true },
    process: {
      terminal: false,
      user: { uid: JOB_UID, gid: JOB_GID },
      cwd: plan.workdir,
      args: [INIT_PATH, '-c', ...(variant ? [variant.initScript] : [INIT_SCRIPT, 'gadus', ...spec.command])],
      env: Object.entries(env).map(([name, value]) => `${name}=${value}`),
      capabilities: { bounding: none, effective: none, inheritable: none, permitted: none, ambient: none },
      noNewPrivileges: true,
      rlimits: [
        { type: 'RLIMIT_NOFILE', soft: Math.min(SOFT_OPEN_FILES, openFiles), hard: Math.min(HARD_OPEN_FILES, openFiles) },
        { type: 'RLIMIT_CORE', soft: 0, hard: 0 },
      ],
    },
    mounts: mounts(init),
    linux: {
      namespaces: ['pid', 'mount', 'ipc', 'uts', 'network', 'cgroup', ...(user === undefined ? [] : ['user'])].map((type) => ({ type })),
      ...(user === undefined ? {} : { uidMappings: idMappings(JOB_UID, user), gidMappings: idMappings(JOB_GID, user) }),
      cgroupsPath: init.cgroupsPath,
      resources: {
        devices: [{ allow: false, access: 'rwm' }],
        memory: { limit: limits.memoryBytes, ...(init.swap ? { swap: limits.memoryBytes } : {}) },
        cpu: { quota: cpuQuotaUs(limits.cpus), period: CPU_PERIOD_US },
        pids: { limit: limits.processes },
      },
      seccomp: seccompProfile(),
      maskedPaths: MASKED.map((name) => `/proc/${name}`),
      readonlyPaths: READ_ONLY.map((name) => `/proc/${name}`),
      rootfsPropagation: 'private',
    },
  };
}

/** The variables of a job: its own, a PATH and a HOME where it sets none, and where its proxy is. */
export function jobEnvironment({ env, workdir, network }: JobSpec): Record<string, string> {
  return { PATH: DEFAULT_PATH, HOME: workdir, ...proxyEnvironment({ network }), ...env };
}

/** Every place a mount needs, for the skeleton. A runtime gives a tmpfs the mode of its mount point. */
export function mountPoints(plan: MountPlan, variant?: ContainerVariant): MountPoint[] {
  return [
    ...FIXED_TARGETS.map((target) => ({ target, directory: true, ...(target === '/tmp' ? { mode: 0o1777 } : {}) })),
    { target: INIT_PATH, directory: false },
    ...plan.writable.map(({ target }) => ({ target, directory: true })),
    ...plan.inputs,
    ...[...(variant?.mounts ?? []), ...(variant?.files ?? [])].map(({ target }) => ({ target, directory: false })),
    ...(variant?.counterTarget === undefined ? [] : [{ target: variant.counterTarget, directory: false }]),
  ];
}

/**
 * Two ids and no others: root, who owns the image and is nobody of this machine, and the job. Whatever else belongs to somebody is nobody's
 * to them.
 */
function idMappings(job: number, user: UnprivilegedId) {
  return [{ containerID: 0, hostID: imageOwner(), size: 1 }, { containerID: job, hostID: user, size: 1 }];
}

/** Where a slot of the scratch disk keeps what the job writes, what overlayfs needs beside it, and where the two lie over the image. */
export function slotPaths(scratch: string, slot: string): { data: string; work: string; merged: string } {
  return { data: path.join(scratch, slot), work: path.join(scratch, `.${slot}`), merged: path.join(path.dirname(scratch), `merged-${slot}`) };
}

function mounts({ spec, plan, scratch, initBinary, variant, counter }: BundleInit): Mount[] {
  const tmpBytes = Math.min(MAX_TMP_BYTES, Math.floor(spec.resources.memoryBytes / 2));
  const tmpfs = (destination: string, ...options: string[]): Mount => ({ destination, type: 'tmpfs', source: 'tmpfs', options: ['nosuid', ...options] });
  const bind = (source: string, destination: string, ...options: string[]): Mount => ({
    destination, type: 'bind', source, options: ['bind', 'nosuid', 'nodev', ...options],
  });
  const jobMounts = [
    ...plan.inputs.map(({ source, target }) => bind(source, target, 'ro')),
    ...plan.writable.map(({ slot, target, lower }) => bind(slotPaths(scratch, slot)[lower === undefined ? 'data' : 'merged'], target, 'rw')),
  ].sort((a, b) => (a.destination < b.destination ? -1 : 1));
  return [
    { destination: '/proc', type: 'proc', source: 'proc', options: ['nosuid', 'noexec', 'nodev'] },
    tmpfs('/dev', 'strictatime', 'mode=755', 'size=64k', 'ro'),
    tmpfs('/dev/shm', 'nodev', 'noexec', 'mode=1777', `size=${tmpBytes}`),
    tmpfs('/tmp', 'nodev', 'mode=1777', `size=${tmpBytes}`),
    bind(initBinary, INIT_PATH, 'ro'),
    ...(variant?.mounts ?? []).map(({ source, target }) => bind(source, target, 'ro')),
    ...(counter === undefined ? [] : [bind(counter, variant!.counterTarget!, 'rw')]),
    ...jobMounts,
  ];
}
