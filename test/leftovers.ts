import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { SLOWNESS } from '../src/executor/constants.ts';
import { rootsDirectory } from '../src/executor/container/run-directory.ts';

/** Environment variable by which everything a test's network starts can be told, whoever its parent has become. */
export const MARK = 'GADUS_TEST_NETWORK';

/** Longest that a starting container keeps copies of others' mounts, ms: what it has to do until its root is its own is little, when it comes to it is up to the machine. */
export const COPY_LIVES_MS = 20_000 * SLOWNESS;
const LOOK_EVERY_MS = 20;

/** What a network left on the machine; all empty when it cleaned up after itself. */
export interface Leftovers { processes: string[]; mounts: string[]; loopDevices: string[]; cgroups: string[]; files: string[] }

/**
 * Looks for anything of a network that outlived it.
 *
 * @param dir folder of the network's state; `dir/tmp` is its TMPDIR
 * @param mark value of MARK in the environment of its processes
 * @param engines state folders of its container engines: as they were, where the network removes its folder
 */
export function leftovers(dir: string, mark: string, engines: readonly string[] = engineFolders(dir)): Leftovers {
  return {
    processes: processes(dir, mark),
    mounts: lines('/proc/self/mountinfo').filter((line) => line.includes(`${dir}/`)),
    loopDevices: loopDevices(dir),
    cgroups: cgroups(engines),
    files: [...below(join(dir, 'tmp')), ...engines.flatMap((engine) => ['runs', 'runtime'].flatMap((folder) => below(join(engine, folder)))), ...roots(engines)],
  };
}

/**
 * The same for good: loop devices of unmounted disks go with the last copy of their mount, which a container that somebody else starts at that moment has until its
 * root is its own.
 */
export async function lastingLeftovers(...what: Parameters<typeof leftovers>): Promise<Leftovers> {
  for (const end = performance.now() + COPY_LIVES_MS; ; await sleep(LOOK_EVERY_MS)) {
    const left = leftovers(...what);
    const others = left.processes.length + left.mounts.length + left.cgroups.length + left.files.length;
    if (left.loopDevices.length === 0 || others > 0 || performance.now() > end) return left;
  }
}

/** Processes that inherited the mark, or name the network's folder on their command line; this one is not counted. */
function processes(dir: string, mark: string): string[] {
  return readdirSync('/proc').filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid).flatMap((pid) => {
    const commandLine = text(`/proc/${pid}/cmdline`).replaceAll('\0', ' ');
    // A zombie has neither, and whoever has to reap it is not ours to judge.
    const ours = text(`/proc/${pid}/environ`).split('\0').includes(`${MARK}=${mark}`) || commandLine.includes(`${dir}/`);
    return ours ? [`${pid} ${commandLine.slice(0, 200)}`] : [];
  });
}

function loopDevices(dir: string): string[] {
  return readdirSync('/sys/block').filter((name) => name.startsWith('loop') && text(`/sys/block/${name}/loop/backing_file`).startsWith(`${dir}/`));
}

/** How container engines name what is theirs: after a digest of their state folder. */
function namesOf(engines: readonly string[]): string[] {
  return engines.map((engine) => `gadus-${createHash('sha256').update(resolve(engine)).digest('hex').slice(0, 8)}-`);
}

/** Mount points of containers' roots. */
function roots(engines: readonly string[]): string[] {
  return below(rootsDirectory()).filter((file) => namesOf(engines).some((prefix) => file.startsWith(join(rootsDirectory(), prefix))));
}

/** Control groups of container engines. */
function cgroups(engines: readonly string[]): string[] {
  const prefixes = namesOf(engines);
  const hierarchies = lines('/proc/mounts').flatMap((line) => (/^\S+ (\S+) cgroup2? /.exec(line)?.[1] ?? []));
  return hierarchies.flatMap((mount) => readdirSync(mount).filter((name) => prefixes.some((prefix) => name.startsWith(prefix))).map((name) => join(mount, name)));
}

/** State folders of the container engines of the nodes below a folder. */
export function engineFolders(dir: string, depth = 4): string[] {
  if (depth === 0 || !existsSync(dir)) return [];
  return readdirSync(dir, { withFileTypes: true }).filter((entry) => entry.isDirectory()).flatMap(({ name }) => {
    const path = join(dir, name);
    return name.startsWith('node-') ? [join(path, 'engine')] : engineFolders(path, depth - 1);
  });
}

function below(dir: string): string[] {
  return existsSync(dir) ? readdirSync(dir).map((name) => join(dir, name)) : [];
}

function lines(path: string): string[] {
  return text(path).split('\n').filter((line) => line !== '');
}

/** A file's text; empty for what is gone or not ours to read. */
function text(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
