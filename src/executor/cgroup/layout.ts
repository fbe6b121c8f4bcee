import { readFileSync } from 'node:fs';
import path from 'node:path';
import { ownGroup } from './own-group.ts';
import type { ResourceLimits } from './limits.ts';
import { limitsV1, limitsV2 } from './limits.ts';

/** Which control group hierarchies this machine has, and where they are mounted. */
export interface CgroupLayout {
  /** `hybrid`: the controllers are v1's and a v2 tree without them is mounted beside. */
  version: 'v1' | 'v2' | 'hybrid';
  /** Mount point by v1 controller. */
  controllers: Map<string, string>;
  /** Mount point of the v2 tree. */
  unified?: string;
  /** Path in the v2 tree of the group below which jobs' groups are made: one delegated to this process or, by systemd, to its keeper, else the tree's own root. */
  base?: string;
}

/** In a delegated group, the group of gadus itself. */
export const OWN_GROUP = 'gadus-main';

/** The files of one group that the sampler and the engine read and write. */
export interface CgroupFiles {
  version: 1 | 2;
  /** Every directory of the group: one in v2, one for each hierarchy in v1. */
  directories: string[];
  procs: string;
  /** Where one write kills the whole group: v2, from Linux 5.14 on. */
  kill?: string;
  /** Number of tasks, threads included: tells cheaply whether `procs` is worth reading. */
  pidsCurrent: string;
  /** v1: `cpuacct.usage`; v2: `cpu.stat`. */
  cpu: string;
  memoryStat: string;
  /** Where `oom_kill N` is counted. */
  memoryEvents: string;
  /** Files to write for these limits, in order. */
  limits(limits: ResourceLimits): [file: string, value: string][];
}

/** Reads the layout from the text of `/proc/self/mountinfo` (proc(5)). Undefined when no usable hierarchy is mounted. */
export function parseCgroupLayout(mountinfo: string): CgroupLayout | undefined {
  const controllers = new Map<string, string>();
  let unified: string | undefined;
  for (const line of mountinfo.split('\n')) {
    const [left, right] = line.split(' - ');
    if (right === undefined) continue;
    const mountPoint = unescapeMount(left!.split(' ')[4]!);
    const [type, , options = ''] = right.split(' ');
    if (type === 'cgroup2') unified ??= mountPoint;
    if (type !== 'cgroup') continue;
    for (const name of options.split(',')) if (!controllers.has(name) && !['rw', 'ro'].includes(name)) controllers.set(name, mountPoint);
  }
  if (controllers.has('memory') && controllers.has('cpuacct') && controllers.has('pids')) {
    return { version: unified === undefined ? 'v1' : 'hybrid', controllers, ...(unified === undefined ? {} : { unified }) };
  }
  return unified === undefined ? undefined : { version: 'v2', controllers, unified };
}

/** The layout of this machine. */
export function cgroupLayout(): CgroupLayout | undefined {
  const layout = parseCgroupLayout(readFileSync('/proc/self/mountinfo', 'utf8'));
  if (layout?.version !== 'v2') return layout;
  const own = ownGroup();
  return own !== undefined && path.basename(own) === OWN_GROUP ? { ...layout, base: path.dirname(own) } : layout;
}

/** What a runtime is told to make for the group of this name. */
export function cgroupsPath({ base }: CgroupLayout, name: string): string {
  return path.join('/', base ?? '', name);
}

/** The files of the group that a runtime makes for `cgroupsPath`. */
export function cgroupFiles(layout: CgroupLayout, name: string): CgroupFiles {
  if (layout.version === 'v2') {
    const directory = `${layout.unified}${cgroupsPath(layout, name)}`;
    return {
      version: 2,
      directories: [directory],
      procs: `${directory}/cgroup.procs`,
      kill: `${directory}/cgroup.kill`,
      pidsCurrent: `${directory}/pids.current`,
      cpu: `${directory}/cpu.stat`,
      memoryStat: `${directory}/memory.stat`,
      memoryEvents: `${directory}/memory.events`,
      limits: (limits) => limitsV2(limits).map(([file, value]) => [`${directory}/${file}`, value]),
    };
  }
  const of = (controller: string) => `${layout.controllers.get(controller)}/${name}`;
  const hierarchies = [...layout.controllers.values(), ...(layout.unified === undefined ? [] : [layout.unified])];
  return {
    version: 1,
    directories: [...new Set(hierarchies)].map((mount) => `${mount}/${name}`),
    procs: `${of('memory')}/cgroup.procs`,
    pidsCurrent: `${of('pids')}/pids.current`,
    cpu: `${of('cpuacct')}/cpuacct.usage`,
    memoryStat: `${of('memory')}/memory.stat`,
    memoryEvents: `${of('memory')}/memory.oom_control`,
    limits: (limits) => limitsV1(limits).map(([controller, file, value]) => [`${of(controller)}/${file}`, value]),
  };
}

/** Mount points in /proc/self/mountinfo have space, tab, newline and backslash as octal. */
export function unescapeMount(escaped: string): string {
  return escaped.replace(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)));
}
