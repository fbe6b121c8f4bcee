import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { isDelegated } from '../cgroup/delegated.ts';
import { OWN_GROUP, type CgroupLayout } from '../cgroup/layout.ts';
import { ownGroup } from '../cgroup/own-group.ts';

/** A lack of this machine, and what to do about it. */
export interface Lack { what: string; remedy: string }

/** Controllers that jobs' groups get where they are there. */
const CONTROLLERS = ['cpu', 'memory', 'pids', 'io'];

const REMEDY = 'systemd-run --user --scope -p "Delegate=cpu memory pids" gadus …, or Delegate=yes in the user\'s unit';

/** Why jobs' groups cannot be made without root; undefined where they can, as far as can be seen. */
export function whyNotDelegated(layout: CgroupLayout | undefined): Lack | undefined {
  if (layout?.version !== 'v2') return { what: 'without root, jobs need control groups of version 2', remedy: 'boot with systemd.unified_cgroup_hierarchy=1, or run gadus as root' };
  const own = ownGroup() ?? '/';
  if (path.basename(own) === OWN_GROUP || isDelegated(layout)) return undefined;
  return { what: `the control group ${own} is not delegated to this user with cpu, memory and pids`, remedy: REMEDY };
}

/**
 * Makes room for jobs' groups in a delegated one: this process goes into a group below it, for a group with processes of its own cannot hand on
 * controllers (cgroups(7), "no internal processes"). Does nothing where it is there already.
 *
 * @returns why that cannot be, or undefined
 */
export function takeDelegation(layout: CgroupLayout | undefined): Lack | undefined {
  const lack = whyNotDelegated(layout);
  const own = ownGroup() ?? '/';
  if (lack !== undefined || path.basename(own) === OWN_GROUP) return lack;
  const group = path.join(layout!.unified!, own);
  try {
    mkdirSync(path.join(group, OWN_GROUP), { recursive: true });
    writeFileSync(path.join(group, OWN_GROUP, 'cgroup.procs'), String(process.pid));
    const there = readFileSync(path.join(group, 'cgroup.controllers'), 'utf8').trim().split(/\s+/);
    writeFileSync(path.join(group, 'cgroup.subtree_control'), CONTROLLERS.filter((name) => there.includes(name)).map((name) => `+${name}`).join(' '));
    return undefined;
  } catch (error) {
    const busy = (error as NodeJS.ErrnoException).code === 'EBUSY';
    return { what: busy ? `other processes are in the control group ${own}, too` : `the control group ${own} cannot be divided: ${(error as Error).message}`, remedy: REMEDY };
  }
}
