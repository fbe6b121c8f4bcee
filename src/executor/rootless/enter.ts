import { readFileSync } from 'node:fs';
import { userInfo } from 'node:os';
import { cgroupLayout, type CgroupLayout } from '../cgroup/layout.ts';
import { ROOTLESS_IDS } from '../constants.ts';
import { which } from '../container/runtime.ts';
import { ExecutorError } from '../errors.ts';
import { systemPath } from '../tool.ts';
import { takeDelegation, whyNotDelegated, type Lack } from './delegate.ts';

const ENTERED = 'GADUS_ROOTLESS';

/**
 * Where this process is not root, makes it one of a user namespace of its own, whose other ids are the user's subordinate ones: what the container
 * engine does to mount and to limit it may do there. The process is replaced by itself in there, so what comes before this call happens twice. Does
 * nothing as root, on other systems than Linux, or where something is missing: the engine's probe then says what.
 *
 * @throws ExecutorError ENGINE_UNAVAILABLE when it was tried and this is still not root
 */
export function enterUserNamespace(argv: readonly string[] = [process.execPath, ...process.execArgv, ...process.argv.slice(1)]): void {
  if (process.platform !== 'linux' || process.getuid?.() === 0 || process.execve === undefined) return;
  if (process.env[ENTERED] !== undefined) throw new ExecutorError('ENGINE_UNAVAILABLE', 'the user namespace did not make this process root', { hint: 'run gadus as root' });
  if (lacksForRootless().length > 0 || takeDelegation(cgroupLayout()) !== undefined) return;
  const unshare = which('unshare')!;
  // Slave: what is mounted outside later is seen; what is mounted here stays here, and goes with the last process.
  process.execve(unshare, ['unshare', '--user', '--map-root-user', '--map-auto', '--mount', '--propagation', 'slave', '--', ...argv], { ...process.env, PATH: systemPath(), [ENTERED]: String(process.getuid?.()) });
}

/** What a process that is not root lacks to become root of a user namespace, control groups aside. */
export function lacksForRootless(): Lack[] {
  const lacks: Lack[] = [];
  if (process.execve === undefined) lacks.push({ what: `Node ${process.version} cannot replace its process`, remedy: 'Node 22.15, 24 or newer' });
  for (const [tool, remedy] of [['unshare', 'apt-get install util-linux'], ['newuidmap', 'apt-get install uidmap'], ['newgidmap', 'apt-get install uidmap']] as const) {
    if (which(tool) === undefined) lacks.push({ what: `${tool} is not installed`, remedy });
  }
  const { username, uid } = userInfo();
  for (const file of ['/etc/subuid', '/etc/subgid']) {
    if (subordinateIds(readIfThere(file), username, uid) < ROOTLESS_IDS) lacks.push({ what: `${username} has fewer than ${ROOTLESS_IDS} ids in ${file}`, remedy: `usermod --add-subuids 100000-165535 --add-subgids 100000-165535 ${username}` });
  }
  for (const [file, off, remedy] of [
    ['/proc/sys/kernel/unprivileged_userns_clone', '0', 'sysctl kernel.unprivileged_userns_clone=1'],
    ['/proc/sys/user/max_user_namespaces', '0', 'sysctl user.max_user_namespaces=65536'],
    ['/proc/sys/kernel/apparmor_restrict_unprivileged_userns', '1', 'sysctl kernel.apparmor_restrict_unprivileged_userns=0, or a profile for unshare'],
  ] as const) {
    if (readIfThere(file).trim() === off) lacks.push({ what: `users may make no user namespaces (${file} is ${off})`, remedy });
  }
  return lacks;
}

/** What keeps a process that is not root from running containers. */
export function whyNotRootless(layout: CgroupLayout | undefined): Lack[] {
  const lacks = [...lacksForRootless(), whyNotDelegated(layout) ?? []].flat();
  return lacks.length > 0 ? lacks : [{ what: 'this process is not root, nor root of a user namespace', remedy: 'gadus serve, devnet and doctor see to that themselves; of the library, enterUserNamespace' }];
}

/** The largest range of a user in subuid(5) or subgid(5). */
export function subordinateIds(text: string, name: string, uid: number): number {
  const counts = text.split('\n').map((line) => line.split(':')).filter(([owner]) => owner === name || owner === String(uid)).map(([, , count]) => Number(count));
  return Math.max(0, ...counts.filter(Number.isSafeInteger));
}

function readIfThere(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}
