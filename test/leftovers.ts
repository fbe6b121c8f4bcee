import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';

/** Environment variable by which everything a test's network starts can be told, whoever its parent has become. */
export const MARK = 'GADUS_TEST_NETWORK';

/** What a network left on the machine; all empty when it cleaned up after itself. */
export interface Leftovers { processes: string[]; mounts: string[]; loopDevices: string[]; cgroups: string[]; files: string[] }

/**
 * Looks for anything of a network that outlived it.
 *
 * @param dir folder of the network's state; `dir/tmp` is its TMPDIR
 * @param mark value of MARK in the environment of its processes
 */
export function leftovers(dir: string, mark: string): Leftovers {
  return {
    processes: processes(dir, mark),
    mounts: lines('/proc/self/mountinfo').filter((line) => line.includes(`${dir}/`)),
    loopDevices: loopDevices(dir),
    cgroups: cgroups(dir),
    files: [...below(join(dir, 'tmp')), ...nodeFolders(dir).flatMap((node) => ['runs', 'runtime'].flatMap((folder) => below(join(node, 'engine', folder))))],
  };
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

/** Control groups of the network's container engines: named after a digest of their state folder. */
function cgroups(dir: string): string[] {
  const prefixes = nodeFolders(dir).map((node) => `gadus-${createHash('sha256').update(resolve(node, 'engine')).digest('hex').slice(0, 8)}-`);
  const hierarchies = lines('/proc/mounts').flatMap((line) => (/^\S+ (\S+) cgroup2? /.exec(line)?.[1] ?? []));
  return hierarchies.flatMap((mount) => readdirSync(mount).filter((name) => prefixes.some((prefix) => name.startsWith(prefix))).map((name) => join(mount, name)));
}

function nodeFolders(dir: string): string[] {
  const network = join(dir, 'network');
  return existsSync(network) ? readdirSync(network).filter((name) => name.startsWith('node-')).map((name) => join(network, name)) : [];
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
