import { execFile } from 'node:child_process';
import { access, constants, readdir } from 'node:fs/promises';
import { basename, join } from 'node:path';

/** How long a kernel may take to say that it found no root file system, ms: under KVM it takes well under a second. */
const BOOT_TIMEOUT_MS = 10_000;

export interface KvmProbe { works: boolean; detail: string; remedy?: string }

/**
 * Finds out whether KVM works by booting a kernel on it, for a device file proves nothing: nested in some hypervisors the first
 * instructions run and a kernel hangs. The kernel gets no root file system and is expected to reach the point where it misses it.
 */
export async function probeKvm({ kernel: given, signal }: { kernel?: string; signal?: AbortSignal } = {}): Promise<KvmProbe> {
  if (!(await access('/dev/kvm', constants.R_OK | constants.W_OK).then(() => true, () => false))) {
    return { works: false, detail: 'no /dev/kvm that this user may open', remedy: 'run on a host with virtualisation, as root or in group kvm' };
  }
  const installed = (await readdir('/boot').catch(() => [] as string[])).filter((name) => name.startsWith('vmlinuz-')).sort().at(-1);
  const kernel = given ?? (installed === undefined ? undefined : join('/boot', installed));
  const qemu = await output('qemu-system-x86_64', ['--version'], signal);
  if (kernel === undefined || !/QEMU/.test(qemu)) {
    return {
      works: false, detail: '/dev/kvm is there; whether a kernel boots on it is not known',
      remedy: 'apt-get install --no-install-recommends qemu-system-x86; gadus image kernel; then ask again',
    };
  }
  const console = await output('qemu-system-x86_64', [
    '-M', 'microvm', '-accel', 'kvm', '-cpu', 'max', '-m', '256', '-nodefaults', '-no-user-config', '-nographic', '-no-reboot', '-serial', 'stdio',
    '-kernel', kernel, '-append', 'console=ttyS0 panic=-1',
  ], signal);
  if (/Unable to mount root|Kernel panic/.test(console)) return { works: true, detail: `boots ${basename(kernel)}` };
  return {
    works: false, detail: `/dev/kvm is there, but ${basename(kernel)} does not boot on it (${console.includes('Linux version') ? 'it hangs' : 'it stays silent'})`,
    remedy: 'a nested hypervisor in the way: ask its owner for nested virtualisation, or use the container engine',
  };
}

/** What a program prints on both streams, however it ends. */
function output(command: string, args: readonly string[], signal?: AbortSignal): Promise<string> {
  return new Promise((resolve) => {
    execFile(command, args, { timeout: BOOT_TIMEOUT_MS, killSignal: 'SIGKILL', ...(signal === undefined ? {} : { signal }) }, (_error, stdout, stderr) => resolve(stdout + stderr));
  });
}
