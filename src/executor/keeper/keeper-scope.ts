import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { NEEDED_CONTROLLERS } from '../cgroup/delegated.ts';
import { divideGroup } from '../cgroup/divide-group.ts';
import { cgroupLayout } from '../cgroup/layout.ts';
import { ownGroup } from '../cgroup/own-group.ts';
import { SCOPE_POLL_MS, SCOPE_TIMEOUT_MS } from '../constants.ts';
import { which } from '../container/runtime.ts';
import { inUserNamespace } from '../rootless/user-namespace.ts';

/** All that jobs take is accounted here: `systemctl status gadus.slice` shows it, `set-property` bounds it. */
const SLICE = 'gadus.slice';

/**
 * What a keeper's command line begins with where systemd runs this machine and this process is its root; undefined elsewhere. A scope is a unit of
 * its own: systemd, which kills all that is left of a service whose process has died, leaves the keeper to its work. Jobs' groups go below it, for in a
 * tree's root systemd turns controllers off that no unit asks for, and a job's share of the CPU with them.
 */
export function scopeCommand(unit: string): string[] | undefined {
  const tool = which('systemd-run');
  // sd_booted(3).
  if (process.platform !== 'linux' || process.getuid?.() !== 0 || inUserNamespace() || tool === undefined || !existsSync('/run/systemd/system')) return undefined;
  const own = /[^/]+\.(service|scope)$/.exec(ownGroup() ?? '')?.[0];
  return [
    tool, '--scope', '--quiet', '--collect', `--unit=${unit}`, `--slice=${SLICE}`, `--description=Jobs of gadus, process ${process.pid}`, '--property=Delegate=yes', '--property=TasksMax=infinity',
    // When the machine goes down jobs are ended by their node.
    ...(own === undefined ? [] : [`--property=Before=${own}`]), '--',
  ];
}

/**
 * Waits until a process is in its scope, and makes room for jobs' groups there where these are v2.
 *
 * @param gone aborted when the process is
 * @returns the path below which jobs' groups can be made, if any; undefined where the process did not come there in time
 */
export async function enterScope(pid: number, unit: string, gone: AbortSignal): Promise<{ base?: string } | undefined> {
  const inScope = () => groupsOf(pid).find((group) => path.basename(group) === unit);
  for (const end = performance.now() + SCOPE_TIMEOUT_MS; inScope() === undefined; await delay(SCOPE_POLL_MS)) if (gone.aborted || performance.now() > end) return undefined;
  const layout = cgroupLayout();
  const base = inScope();
  if (layout?.version !== 'v2' || base === undefined) return {};
  try {
    const given = divideGroup(layout.unified! + base, [pid]);
    return NEEDED_CONTROLLERS.every((name) => given.includes(name)) ? { base } : {};
  } catch {
    return {};
  }
}

function groupsOf(pid: number): string[] {
  try {
    return readFileSync(`/proc/${pid}/cgroup`, 'utf8').split('\n').map((line) => line.split(':').slice(2).join(':'));
  } catch {
    return [];
  }
}
