import { readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import type { CgroupFiles } from './layout.ts';
import type { ResourceLimits } from './limits.ts';

/** Ids of the live processes of a group, in the reader's pid namespace; empty when the group is gone. */
export function groupProcesses(files: Pick<CgroupFiles, 'procs'>): number[] {
  return (readIfThere(files.procs) ?? '').split('\n').filter(Boolean).map(Number).filter((pid) => pid > 0);
}

/** How many processes the kernel killed for want of memory. */
export function memoryKills(files: Pick<CgroupFiles, 'memoryEvents'>): number {
  return parseMemoryKills(readIfThere(files.memoryEvents) ?? '');
}

/** The `oom_kill` line of v1's memory.oom_control or v2's memory.events. */
export function parseMemoryKills(text: string): number {
  return Number(/^oom_kill (\d+)$/m.exec(text)?.[1] ?? 0);
}

/** Puts limits in force. A file that this kernel does not have (swap accounting off) is passed over. */
export function applyLimits(files: CgroupFiles, limits: ResourceLimits): void {
  for (const [file, value] of files.limits(limits)) {
    try {
      writeFileSync(file, value, { flag: 'r+' });
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    }
  }
}

/** Signals every process of a group except those in `spare`. */
export function signalGroup(files: Pick<CgroupFiles, 'procs'>, signal: NodeJS.Signals, spare: number[] = []): void {
  for (const pid of groupProcesses(files)) if (!spare.includes(pid)) killQuietly(pid, signal);
}

/** Kills every process of a group: at once where the kernel does that, which also reaches those that this process may not signal. */
export function killGroup(files: Pick<CgroupFiles, 'procs' | 'kill'>): void {
  try {
    if (files.kill !== undefined) return writeFileSync(files.kill, '1', { flag: 'r+' });
  } catch {
    // An older kernel, or the group is gone.
  }
  signalGroup(files, 'SIGKILL');
}

/** Removes an empty group. True when nothing of it is left. */
export function removeGroup(files: Pick<CgroupFiles, 'directories'>): boolean {
  let gone = true;
  for (const directory of files.directories) {
    try {
      rmdirSync(directory);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') gone = false;
    }
  }
  return gone;
}

/** process.kill that does not mind a process being gone. */
export function killQuietly(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

function readIfThere(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}
