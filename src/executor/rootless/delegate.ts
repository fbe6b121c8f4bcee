import path from 'node:path';
import { isDelegated } from '../cgroup/delegated.ts';
import { divideGroup } from '../cgroup/divide-group.ts';
import { OWN_GROUP, type CgroupLayout } from '../cgroup/layout.ts';
import { ownGroup } from '../cgroup/own-group.ts';

/** A lack of this machine, and what to do about it. */
export interface Lack { what: string; remedy: string }

const REMEDY = 'systemd-run --user --scope -p "Delegate=cpu memory pids" gadus …, or Delegate=yes in the user\'s unit';

/** Why jobs' groups cannot be made without root; undefined where they can, as far as can be seen. */
export function whyNotDelegated(layout: CgroupLayout | undefined): Lack | undefined {
  if (layout?.version !== 'v2') return { what: 'without root, jobs need control groups of version 2', remedy: 'boot with systemd.unified_cgroup_hierarchy=1, or run gadus as root' };
  const own = ownGroup() ?? '/';
  if (path.basename(own) === OWN_GROUP || isDelegated(layout)) return undefined;
  return { what: `the control group ${own} is not delegated to this user with cpu, memory and pids`, remedy: REMEDY };
}

/**
 * Makes room for jobs' groups in this process's own, which is delegated. Does nothing where that is done already.
 *
 * @returns why that cannot be, or undefined
 */
export function takeDelegation(layout: CgroupLayout | undefined): Lack | undefined {
  const lack = whyNotDelegated(layout);
  const own = ownGroup() ?? '/';
  if (lack !== undefined || path.basename(own) === OWN_GROUP) return lack;
  try {
    divideGroup(path.join(layout!.unified!, own), [process.pid]);
    return undefined;
  } catch (error) {
    const busy = (error as NodeJS.ErrnoException).code === 'EBUSY';
    return { what: busy ? `other processes are in the control group ${own}, too` : `the control group ${own} cannot be divided: ${(error as Error).message}`, remedy: REMEDY };
  }
}
