import { chmodSync, chownSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { cgroupsPath, type CgroupLayout } from '../cgroup/layout.ts';
import { jobLimits, startLimits } from '../cgroup/limits.ts';
import { ownGroup } from '../cgroup/own-group.ts';
import { JOB_UID } from '../constants.ts';
import type { NetworkRules } from '../egress/network-rules.ts';
import type { RunRequest } from '../engine.ts';
import { ExecutorError } from '../errors.ts';
import { COUNTER_FILE_BYTES } from '../sampler/waypoints.ts';
import { jobId, type UnprivilegedId } from '../rootless/unprivileged-ids.ts';
import { bundleConfig, mountPoints, slotPaths } from './bundle.ts';
import type { ContainerVariant } from './container-variant.ts';
import { isWithin, planMounts, type MountPlan } from './mount-plan.ts';
import type { RunDirectory } from './run-directory.ts';
import type { Runtime } from './runtime.ts';
import { mountOver, mountRun, type RunMounts } from './scratch.ts';
import { writeSkeleton } from './skeleton.ts';

/** What all runs of an engine share. */
export interface ContainerContext {
  stateDir: string;
  runtime: Runtime;
  layout: CgroupLayout;
  initBinary: string;
  /** Whether jobs get a user namespace of their own. */
  userNamespaces: boolean;
  /** What jobs' disks are, where nothing is in the way. */
  scratch: RunMounts['kind'];
  /** What jobs may have of the network; nothing when left out. */
  network?: NetworkRules;
}

/** `counter` is the host path of a variant's instruction count. */
export interface PreparedRun { plan: MountPlan; mounts: RunMounts; counter?: string }

/** Plans, mounts and describes a container, up to what the runtime needs to start it. */
export async function prepareRun(context: ContainerContext, request: RunRequest, run: RunDirectory, variant?: ContainerVariant): Promise<PreparedRun> {
  const { spec, rootfs, signal } = request;
  checkPath(context.stateDir);
  checkPath(rootfs);
  const plan = planMounts(request);
  writeSkeleton(run.skeleton, rootfs, mountPoints(plan, variant));
  const mounts = await mountRun({
    directory: run.path,
    root: run.root,
    skeleton: run.skeleton,
    rootfs,
    diskBytes: spec.resources.diskBytes + (variant?.counterTarget === undefined ? 0 : COUNTER_FILE_BYTES),
    pipes: run.pipes,
    templates: path.join(context.stateDir, 'templates'),
    kind: diskKind(context, plan),
    ...(signal ? { signal } : {}),
  });
  const owner = context.userNamespaces ? jobId(run.name) : JOB_UID;
  makeSlots(mounts.scratch, plan, owner);
  for (const { slot, lower } of plan.writable) {
    const { data, work, merged } = slotPaths(mounts.scratch, slot);
    if (lower !== undefined) await mountOver({ lower, upper: data, work, target: merged, ...(signal ? { signal } : {}) });
  }
  for (const pipe of run.pipes) chownSync(pipe, owner, owner);
  const counter = variant?.counterTarget === undefined ? undefined : makeCounter(mounts.scratch, owner);
  const config = bundleConfig({
    spec,
    plan,
    limits: startLimits(jobLimits(spec.resources, variant?.overhead)),
    swap: accountsSwap(context.layout),
    cgroupsPath: cgroupsPath(context.layout, run.name),
    initBinary: context.initBinary,
    root: mounts.root,
    scratch: mounts.scratch,
    openFiles: hardOpenFiles(),
    ...(context.userNamespaces ? { user: owner } : {}),
    ...(variant ? { variant: { ...variant, mounts: [...variant.mounts, ...writeFiles(run, variant)] } } : {}),
    ...(counter === undefined ? {} : { counter }),
  });
  writeFileSync(path.join(run.bundle, 'config.json'), JSON.stringify(config));
  return { plan, mounts, ...(counter === undefined ? {} : { counter }) };
}

/** What the job's disk is. Overlayfs takes no file system of fuse to write to; who is nobody of the machine could leave a project (ioctl_fsxsetattr(2)). */
function diskKind({ scratch, userNamespaces }: ContainerContext, { writable }: MountPlan): RunMounts['kind'] {
  if (scratch === 'fuse' && writable.some(({ lower }) => lower !== undefined)) return 'tmpfs';
  return scratch === 'quota' && !userNamespaces ? 'loop' : scratch;
}

/** Whether the running kernel lets swap be limited. */
export function accountsSwap({ version, controllers, unified }: CgroupLayout): boolean {
  if (version !== 'v2') return existsSync(`${controllers.get('memory')}/memory.memsw.limit_in_bytes`);
  // The root group has no limits; any other has the file when swap is accounted.
  const own = ownGroup() ?? '/';
  return own !== '/' && existsSync(path.join(unified!, own, 'memory.swap.max'));
}

/** The slots belong to the job; so do mount points inside them, or the job could not write beside its inputs. */
function makeSlots(scratch: string, plan: MountPlan, owner: UnprivilegedId): void {
  const own = (directory: string) => {
    mkdirSync(directory, { recursive: true, mode: 0o755 });
    chownSync(directory, owner, owner);
  };
  for (const { slot, target, lower } of plan.writable) {
    const { data, work } = slotPaths(scratch, slot);
    own(data);
    if (lower !== undefined) mkdirSync(work);
    for (const { target: inner, directory } of [...plan.inputs, ...plan.writable.map((mount) => ({ target: mount.target, directory: true }))]) {
      if (inner === target || !isWithin(inner, target)) continue;
      const names = inner.slice(target.length + 1).split('/');
      const last = names.pop()!;
      let at = data;
      for (const name of names) own(at = path.join(at, name));
      if (directory) own(path.join(at, last));
      else writeFileSync(path.join(at, last), '');
    }
  }
}

/** Writes a variant's files into the run's directory, for mounting. */
function writeFiles(run: RunDirectory, { files }: ContainerVariant): ContainerVariant['mounts'] {
  return files.map(({ target, content }, i) => {
    const source = path.join(run.path, `file-${i}`);
    writeFileSync(source, content);
    chmodSync(source, 0o444);
    return { source, target };
  });
}

/** On the job's disk, so that whoever writes more to it than counts writes against the job's own limit. All of it is there from the start: a full disk does not matter to it. */
function makeCounter(scratch: string, owner: UnprivilegedId): string {
  const file = path.join(scratch, 'counter');
  writeFileSync(file, new Uint8Array(COUNTER_FILE_BYTES), { mode: 0o600 });
  chownSync(file, owner, owner);
  return file;
}

/** overlayfs separates its options by commas and its layers by colons. */
function checkPath(directory: string): void {
  if (!path.isAbsolute(directory) || /[,:\\"\n]/.test(directory)) {
    throw new ExecutorError('REQUEST_INVALID', 'the engine needs an absolute path without comma, colon, quote or backslash', { details: JSON.stringify(directory) });
  }
  if (!existsSync(directory)) throw new ExecutorError('REQUEST_INVALID', 'no such directory', { details: directory });
}

function hardOpenFiles(): number {
  const limit = /^Max open files\s+\S+\s+(\S+)/m.exec(readFileSync('/proc/self/limits', 'utf8'))?.[1];
  return limit === undefined || limit === 'unlimited' ? Number.MAX_SAFE_INTEGER : Number(limit);
}

