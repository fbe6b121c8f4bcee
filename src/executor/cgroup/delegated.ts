import { accessSync, constants, readFileSync } from 'node:fs';
import type { CgroupLayout } from './layout.ts';
import { ownGroup } from './own-group.ts';

/** Controllers that a job's limits need. */
export const NEEDED_CONTROLLERS = ['cpu', 'memory', 'pids'];

/**
 * Whether this process may make control groups with all the limits of a job below its own, without being root: v2, and delegated
 * to it (systemd: `Delegate=cpu memory pids`; cgroups(7)).
 */
export function isDelegated({ version, unified }: CgroupLayout, readText: (file: string) => string = (file) => readFileSync(file, 'utf8'), mayWrite: (file: string) => boolean = writable): boolean {
  if (version !== 'v2' || unified === undefined) return false;
  try {
    const own = ownGroup(readText);
    if (own === undefined) return false;
    const directory = own === '/' ? unified : unified + own;
    const controllers = readText(`${directory}/cgroup.controllers`).trim().split(/\s+/);
    return NEEDED_CONTROLLERS.every((name) => controllers.includes(name)) && ['', '/cgroup.procs', '/cgroup.subtree_control'].every((file) => mayWrite(directory + file));
  } catch {
    return false;
  }
}

function writable(file: string): boolean {
  try {
    accessSync(file, constants.W_OK);
    return true;
  } catch {
    return false;
  }
}
