import { existsSync, readFileSync, readdirSync, rmdirSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { cgroupFiles, unescapeMount, type CgroupLayout } from '../cgroup/layout.ts';
import { groupProcesses, killGroup, killQuietly, removeGroup } from '../cgroup/group.ts';
import { KILL_GRACE_MS, KILL_PASS_MS, STOP_TIMEOUT_MS } from '../constants.ts';
import { removeTree } from '../outputs/remove-tree.ts';
import { runTool } from '../tool.ts';
import { isWithin } from './mount-plan.ts';
import { forgetProject } from './project-quota.ts';
import { layoutOf } from './run-base.ts';
import { closeRunDirectory, runIsOwned, runPaths, runsDirectory, type RunDirectory } from './run-directory.ts';
import { diskFile, unmount } from './scratch.ts';

export interface LeftoverContext { stateDir: string; layout: CgroupLayout | undefined; runtimePath: string | undefined }

/** Where the runtime keeps the state of its containers. */
export function runtimeRoot(stateDir: string): string {
  return path.join(path.resolve(stateDir), 'runtime');
}

/** Removes every run whose owner is dead. */
export async function sweepRuns(context: LeftoverContext, signal?: AbortSignal): Promise<void> {
  const runs = runsDirectory(context.stateDir);
  if (!existsSync(runs)) return;
  for (const name of readdirSync(runs)) {
    if (signal?.aborted) return;
    if (!runIsOwned(context.stateDir, name)) await removeRun(context, runPaths(context.stateDir, name));
  }
}

/**
 * Removes all there is of a run, in whatever state it was left: processes, container, mounts, loop devices, control
 * groups, files. In this order, because each holds the next. Two may do so at once: a dead node's keeper, and the node that starts in its place.
 */
export async function removeRun({ stateDir, layout, runtimePath }: LeftoverContext, run: RunDirectory): Promise<void> {
  const files = layout && cgroupFiles(layoutOf(run, layout), run.name);
  const started = performance.now();
  const kill = () => {
    if (files) killGroup(files);
    // A runtime that has lost its container leaves by itself and cleans up; one that has not by then is stuck.
    if (performance.now() - started > KILL_GRACE_MS) for (const pid of processesNaming(run.name)) killQuietly(pid, 'SIGKILL');
  };
  await waitUntil(() => {
    kill();
    return (files === undefined || groupProcesses(files).length === 0) && processesNaming(run.name).length === 0;
  });
  if (runtimePath !== undefined && existsSync(path.join(runtimeRoot(stateDir), run.name))) {
    await runTool(runtimePath, ['--root', runtimeRoot(stateDir), 'delete', '--force', run.name], { accept: [1] });
  }
  await unmount([...mountsWithin(run.root), ...mountsWithin(run.path)]);
  for (const pid of processesNaming(diskFile(run.path))) killQuietly(pid, 'SIGKILL');
  removeMountPoint(run.root);
  for (const device of loopDevicesWithin(run.path)) await runTool('losetup', ['--detach', device], { accept: [1] });
  if (files) await waitUntil(() => removeGroup(files));
  await forgetProject(run.path);
  await removeTree(run.path);
  closeRunDirectory(run);
}

/** Never by `rm`: what is still mounted there belongs to others. */
function removeMountPoint(directory: string): void {
  try {
    rmdirSync(directory);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
}

/** Mount points at or below a directory, innermost first. */
export function mountsWithin(directory: string): string[] {
  const mountinfo = readFileSync('/proc/self/mountinfo', 'utf8');
  return mountinfo.split('\n').filter(Boolean).map((line) => unescapeMount(line.split(' ')[4]!))
    .filter((mountPoint) => isWithin(mountPoint, directory)).reverse();
}

/** Loop devices whose backing file lies below a directory. */
export function loopDevicesWithin(directory: string): string[] {
  return readdirSync('/sys/block').filter((name) => {
    if (!name.startsWith('loop')) return false;
    try {
      return isWithin(readFileSync(`/sys/block/${name}/loop/backing_file`, 'utf8').trim(), directory);
    } catch {
      return false;
    }
  }).map((name) => `/dev/${name}`);
}

/** Processes with this text as an argument: the runtime of a container by the container's unique name, who serves a disk by its file. */
function processesNaming(name: string): number[] {
  return readdirSync('/proc').filter((entry) => /^\d+$/.test(entry)).map(Number).filter((pid) => {
    if (pid === process.pid) return false;
    try {
      return readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0').includes(name);
    } catch {
      return false;
    }
  });
}

async function waitUntil(condition: () => boolean): Promise<void> {
  for (const end = performance.now() + STOP_TIMEOUT_MS; !condition() && performance.now() < end;) await delay(KILL_PASS_MS);
}
