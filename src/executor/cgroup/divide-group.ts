import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { OWN_GROUP } from './layout.ts';

/** Controllers that jobs' groups get where they are there. */
const CONTROLLERS = ['cpu', 'memory', 'pids', 'io'];

/**
 * Makes room for jobs' groups in a v2 group: its processes go into a group below it, for a group with processes of its own cannot hand on
 * controllers (cgroups(7), "no internal processes").
 *
 * @param group its directory
 * @param pids its processes, all of them where none are given
 * @returns the controllers that jobs' groups have there
 * @throws what the file system says; EBUSY where other processes are in the group
 */
export function divideGroup(group: string, pids: readonly (number | string)[] = processesOf(group)): string[] {
  mkdirSync(path.join(group, OWN_GROUP), { recursive: true });
  for (const pid of pids) {
    try {
      writeFileSync(path.join(group, OWN_GROUP, 'cgroup.procs'), String(pid));
    } catch (error) {
      // It has ended.
      if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
    }
  }
  const there = readFileSync(path.join(group, 'cgroup.controllers'), 'utf8').trim().split(/\s+/);
  const given = CONTROLLERS.filter((name) => there.includes(name));
  writeFileSync(path.join(group, 'cgroup.subtree_control'), given.map((name) => `+${name}`).join(' '));
  return given;
}

function processesOf(group: string): string[] {
  return readFileSync(path.join(group, 'cgroup.procs'), 'utf8').split('\n').filter((pid) => Number(pid) > 0);
}
