import { createHash } from 'node:crypto';
import { readFile, readdir, readlink } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { cgroupLayout } from '../../../src/executor/cgroup/layout.ts';
import { SLOWNESS } from '../../../src/executor/constants.ts';
import { rootsDirectory } from '../../../src/executor/container/run-directory.ts';
import { COPY_LIVES_MS } from '../../leftovers.ts';

/** Longest that a thread of the sampler keeps the files of what it watched, ms: it has to be scheduled to close them. */
const THREADS_HOLD_MS = 20_000 * SLOWNESS;
const LOOK_EVERY_MS = 20;
/** What the process had before there was an engine. */
const OPEN_BEFORE = new Set(await Promise.all((await readdir('/proc/self/fd')).map((fd) => readlink(`/proc/self/fd/${fd}`).catch(() => ''))));
/** Where keepers have their groups, and jobs below those, by systemd. */
const SLICE = '/sys/fs/cgroup/gadus.slice';

/** Everything on this machine that bears the name of this state directory. What goes a little later than the rest is waited for where it is all there is. */
export async function containerLeftovers(stateDir: string): Promise<string[]> {
  const found: string[] = [];
  for (const folder of ['runs', 'runtime']) for (const name of await readdir(path.join(stateDir, folder)).catch(() => [])) found.push(`file ${folder}/${name}`);
  for (const line of (await readFile('/proc/self/mountinfo', 'utf8')).split('\n')) if (line.includes(stateDir)) found.push(`mount ${line}`);
  for (const name of await readdir(rootsDirectory()).catch(() => [])) if (name.startsWith(groupPrefix(stateDir))) found.push(`root ${name}`);
  const groups = new Set<string>();
  for (const pid of (await readdir('/proc')).filter((name) => /^\d+$/.test(name))) {
    const command = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '');
    if (command.includes(`${stateDir}/runtime`)) found.push(`process ${pid} ${command.replaceAll('\0', ' ')}`);
    if (command.startsWith('/.gadus/sh')) groups.add(pid);
  }
  for (const pid of groups) {
    const group = await readFile(`/proc/${pid}/mountinfo`, 'utf8').catch(() => '');
    if (group.includes(stateDir)) found.push(`init ${pid}`);
  }
  const { base = '' } = cgroupLayout() ?? {};
  const scopes = (await readdir(SLICE).catch(() => [])).map((name) => path.join(SLICE, name));
  for (const hierarchy of [`/sys/fs/cgroup${base}`, ...scopes, ...(await readdir('/sys/fs/cgroup')).map((name) => `/sys/fs/cgroup/${name}`)]) {
    for (const name of await readdir(hierarchy).catch(() => [])) if (name.startsWith(groupPrefix(stateDir))) found.push(`control group ${hierarchy}/${name}`);
  }
  const others = found.length > 0;
  return [...found, ...await gone(() => loopDevices(stateDir), others ? 0 : COPY_LIVES_MS), ...await gone(() => openFiles(stateDir), others ? 0 : THREADS_HOLD_MS)];
}

/** What is still held after a time; at once when nothing is. */
async function gone(held: () => Promise<string[]>, withinMs: number): Promise<string[]> {
  for (const end = performance.now() + withinMs; ; await delay(LOOK_EVERY_MS)) {
    const found = await held();
    if (found.length === 0 || performance.now() >= end) return found;
  }
}

/** What this process itself still has open: files and pipes of runs, their processes' files, namespaces; and sockets by name. Threads let go of theirs a little later, how much is up to the machine. */
async function openFiles(stateDir: string): Promise<string[]> {
  const held = (await readFile('/proc/net/unix', 'utf8')).split('\n').filter((line) => line.includes(stateDir)).map((line) => `socket ${line}`);
  for (const fd of await readdir('/proc/self/fd')) {
    const target = await readlink(`/proc/self/fd/${fd}`).catch(() => '');
    if (OPEN_BEFORE.has(target)) continue;
    if (target.startsWith(`${stateDir}/runs/`) || /^(net|mnt|pid|user|ipc|uts|cgroup):\[/.test(target) || /^\/proc\/\d+\//.test(target)) held.push(`open ${target}`);
  }
  return held;
}

/**
 * Loop devices of unmounted disks go with the last copy of their mount: a container that somebody else starts at that moment has one, until its
 * root is its own.
 */
async function loopDevices(stateDir: string): Promise<string[]> {
  const held: string[] = [];
  for (const device of await readdir('/sys/block')) {
    const backing = await readFile(`/sys/block/${device}/loop/backing_file`, 'utf8').catch(() => '');
    if (backing.includes(stateDir)) held.push(`loop device ${device}`);
  }
  return held;
}

/** How the engine names what belongs to a state directory. */
function groupPrefix(stateDir: string): string {
  return `gadus-${createHash('sha256').update(stateDir).digest('hex').slice(0, 8)}-`;
}
