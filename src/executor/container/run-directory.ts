import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { ROOTLESS_ROOTS_DIRECTORY, ROOTS_DIRECTORY } from '../constants.ts';
import { ExecutorError } from '../errors.ts';
import { inUserNamespace, outsideUser } from '../rootless/user-namespace.ts';

/**
 * Everything one run has on this machine carries one name, made of its owner (process id and start time, which together name
 * a process for good) and its id: its directory, its container, its control group. So what a crash leaves can be found, and
 * told from what a live process still uses.
 */
export interface RunDirectory {
  path: string;
  /** Container id and name of the control group. */
  name: string;
  /** Where its root is mounted. */
  root: string;
  skeleton: string;
  bundle: string;
  stdout: string;
  stderr: string;
  /** Named pipes behind the two. */
  pipes: [string, string];
  status: string;
  runtimeLog: string;
  /** Says below which group the run's is (`CgroupLayout.base`), where that is not the tree's root. */
  base: string;
}

/** Directories of runs that this process has not released. */
const active = new Set<string>();

/** Makes the directory of a new run. @throws ExecutorError REQUEST_INVALID when the id is malformed or in use */
export function createRunDirectory(stateDir: string, id: string): RunDirectory {
  if (!/^[a-z0-9-]{1,60}$/.test(id)) throw new ExecutorError('REQUEST_INVALID', 'not a run id', { details: JSON.stringify(id) });
  const directory = path.join(runsDirectory(stateDir), `${ownerOf(process.pid)}-${id}`);
  mkdirSync(runsDirectory(stateDir), { recursive: true, mode: 0o700 });
  try {
    mkdirSync(directory, { mode: 0o700 });
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'EEXIST') throw new ExecutorError('REQUEST_INVALID', 'a run with this id exists', { details: id });
    throw cause;
  }
  active.add(directory);
  const paths = runPaths(stateDir, path.basename(directory));
  mkdirSync(paths.skeleton);
  mkdirSync(paths.bundle);
  return paths;
}

/** The paths of a run, from the name of its directory. */
export function runPaths(stateDir: string, directoryName: string): RunDirectory {
  const directory = path.join(runsDirectory(stateDir), directoryName);
  const tag = stateTag(stateDir);
  return {
    path: directory,
    name: `gadus-${tag}-${directoryName}`,
    root: path.join(rootsDirectory(), `gadus-${tag}-${directoryName}`),
    skeleton: path.join(directory, 'skeleton'),
    bundle: path.join(directory, 'bundle'),
    stdout: path.join(directory, 'stdout'),
    stderr: path.join(directory, 'stderr'),
    pipes: [path.join(directory, 'stdout.pipe'), path.join(directory, 'stderr.pipe')],
    status: path.join(directory, 'status'),
    runtimeLog: path.join(directory, 'runtime.log'),
    base: path.join(directory, 'base'),
  };
}

/** Where the roots of containers are mounted. */
export function rootsDirectory(): string {
  return inUserNamespace() ? `${ROOTLESS_ROOTS_DIRECTORY}${outsideUser()}` : ROOTS_DIRECTORY;
}

/** What everything of a state directory bears in its name. */
export function stateTag(stateDir: string): string {
  return createHash('sha256').update(path.resolve(stateDir)).digest('hex').slice(0, 8);
}

export function runsDirectory(stateDir: string): string {
  return path.join(path.resolve(stateDir), 'runs');
}

/** Forgets a run whose directory is gone. */
export function closeRunDirectory({ path: directory }: Pick<RunDirectory, 'path'>): void {
  active.delete(directory);
}

/** Whether some live process, this one included, still uses a run. */
export function runIsOwned(stateDir: string, directoryName: string): boolean {
  const [owner] = /^\d+-\d+(?=-)/.exec(directoryName) ?? [];
  if (owner === undefined) return false;
  if (owner === ownerOf(process.pid)) return active.has(path.join(runsDirectory(stateDir), directoryName));
  return ownerIsAlive(owner);
}

/** How runs name the process that owns them. */
export function ownerOf(pid: number): string {
  return `${pid}-${startTicks(pid)}`;
}

export function ownerIsAlive(owner: string): boolean {
  return owner === ownerOf(Number.parseInt(owner, 10));
}

/**
 * Start time of a process in clock ticks after boot (proc(5), stat field 22); 0 where the system does not tell; undefined when there is no process, or
 * one that is dead and only waits to be reaped.
 */
function startTicks(pid: number): string | undefined {
  if (!existsSync('/proc/self/stat')) return isAlive(pid) ? '0' : undefined;
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return ['Z', 'X'].includes(fields[0]!) ? undefined : fields[19];
  } catch {
    return undefined;
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
