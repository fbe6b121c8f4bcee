import { spawn } from 'node:child_process';
import { closeSync, openSync, readFileSync, statSync } from 'node:fs';
import type { Duplex, Readable } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import { killQuietly } from '../cgroup/group.ts';
import { ExecutorError } from '../errors.ts';
import { systemPath } from '../tool.ts';
import { inUserNamespace } from '../rootless/user-namespace.ts';
import { monitorId } from '../rootless/unprivileged-ids.ts';
import { MAX_CONSOLE_BYTES, STOP_TIMEOUT_MS, TRANSLATED_MIB } from './constants.ts';
import type { GuestDisk, Vmm, VmmInit, VmmKind } from './vmm.ts';

export type Acceleration = 'kvm' | 'tcg';

export const QEMU = 'qemu-system-x86_64';
const CHANNEL_FD = 3;
const KERNEL_FD = 4;
const INITRD_FD = 5;
const FIRST_DISK_FD = 6;

/** QEMU's microvm machine: virtio over MMIO, no PCI, no firmware but its own, a serial console. */
export function qemu(version: string, acceleration: Acceleration): VmmKind {
  return {
    runtime: `qemu ${version} ${acceleration}`,
    disk: (_disks, name) => name,
    start: (init) => startQemu(init, acceleration),
  };
}

/**
 * Starts QEMU as a user of its own that owns nothing: kernel and disks are opened here and handed over, the channel is a pair
 * of sockets, nothing is listened on. Its own seccomp filter denies it new processes and more rights.
 *
 * @throws ExecutorError VMM_FAILED
 */
async function startQemu(init: VmmInit, acceleration: Acceleration): Promise<Vmm> {
  const files: number[] = [];
  try {
    files.push(openSync(init.kernel, 'r'), openSync(init.initrd, 'r'));
    for (const { path, writable } of init.disks) files.push(openSync(path, 'r'), openSync(path, writable ? 'r+' : 'r'));
    const child = spawn(QEMU, qemuArguments(init, acceleration), {
      stdio: ['ignore', 'pipe', 'pipe', 'pipe', ...files, ...(init.network ? ['pipe' as const] : [])],
      env: { PATH: systemPath() },
      detached: true,
      ...(process.getuid?.() === 0 && !inUserNamespace() ? { uid: monitorId(init.name), gid: acceleration === 'kvm' ? statSync('/dev/kvm').gid : monitorId(init.name) } : {}),
    });
    let words = '';
    const listen = (stream: Readable | null) => stream?.setEncoding('latin1').on('data', (text: string) => { words = (words + text).slice(-MAX_CONSOLE_BYTES); });
    listen(child.stdout);
    listen(child.stderr);
    const left = new Promise<void>((resolve) => {
      child.on('error', (error) => { words += error.message; resolve(); });
      child.on('close', () => resolve());
    });
    const channel = child.stdio[CHANNEL_FD] as Duplex;
    const network = init.network ? child.stdio[networkFd(init)] as Duplex : undefined;
    // A monitor that leaves takes its ends along, which is seen elsewhere.
    for (const end of [channel, network]) end?.on('error', () => undefined);
    if (child.pid === undefined) {
      await left;
      throw new ExecutorError('VMM_FAILED', 'the virtual machine could not be started', { details: words, hint: 'apt-get install --no-install-recommends qemu-system-x86' });
    }
    const pid = child.pid;
    const kill = () => {
      // A child counts as gone once its pipes are read to their end: nobody reads what a guest had still to say.
      for (const end of [channel, network]) end?.destroy();
      return killVmm(pid, left);
    };
    return { pid, channel, network: async () => network!, left, lastWords: () => words.replaceAll(/[^\x20-\x7e\n]/g, '').trim(), kill };
  } finally {
    for (const fd of files) closeSync(fd);
  }
}

/** Kills a monitor and waits until it is gone. @throws ExecutorError VMM_FAILED */
export async function killVmm(pid: number, left: Promise<void>): Promise<void> {
  killQuietly(pid, 'SIGKILL');
  const timeout = new AbortController();
  const late = delay(STOP_TIMEOUT_MS, 'late' as const, { signal: timeout.signal });
  late.catch(() => undefined);
  try {
    if (await Promise.race([left, late]) === 'late') throw new ExecutorError('VMM_FAILED', 'the virtual machine could not be stopped', { details: `still there after ${STOP_TIMEOUT_MS} ms` });
  } finally {
    timeout.abort();
  }
}

/** Behind the disks. */
function networkFd({ disks }: Pick<VmmInit, 'disks'>): number {
  return FIRST_DISK_FD + 2 * disks.length;
}

function qemuArguments({ name, disks, memoryBytes, vcpus, network }: VmmInit, acceleration: Acceleration): string[] {
  return [
    '-name', name, '-M', 'microvm,rtc=on,pic=on,pit=on',
    ...(acceleration === 'kvm' ? ['-accel', 'kvm'] : ['-accel', `tcg,thread=multi,tb-size=${TRANSLATED_MIB}`]), '-cpu', 'max',
    '-m', String(Math.ceil(memoryBytes / 1024 ** 2)), '-smp', String(vcpus),
    '-nodefaults', '-no-user-config', '-nographic', '-no-reboot',
    '-sandbox', 'on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny',
    '-kernel', `/dev/fd/${KERNEL_FD}`, '-initrd', `/dev/fd/${INITRD_FD}`, '-append', kernelArguments(acceleration), '-serial', 'stdio',
    '-device', 'virtio-serial-device', '-chardev', `socket,id=channel,fd=${CHANNEL_FD}`, '-device', 'virtserialport,chardev=channel,name=gadus',
    ...(network ? ['-chardev', `socket,id=network,fd=${networkFd({ disks })}`, '-device', 'virtserialport,chardev=network,name=gadus-net'] : []),
    ...disks.flatMap((disk, i) => diskArguments(disk, i)),
  ];
}

/** All that QEMU is given of a disk are descriptors, in a set of its own: one to look at it, one to use it. */
function diskArguments({ name, writable }: GuestDisk, i: number): string[] {
  return [
    '-add-fd', `fd=${FIRST_DISK_FD + 2 * i},set=${i}`, '-add-fd', `fd=${FIRST_DISK_FD + 2 * i + 1},set=${i}`,
    '-drive', `id=disk${i},if=none,format=raw,file=/dev/fdset/${i},readonly=${writable ? 'off' : 'on'},cache=unsafe,file.locking=off`,
    '-device', `virtio-blk-device,drive=disk${i},serial=${name}`,
  ];
}

/** An emulated clock cannot be calibrated reliably: Linux hangs at it now and then, unless it is told the host's frequency. */
function kernelArguments(acceleration: Acceleration): string {
  const common = 'console=ttyS0 quiet loglevel=1 panic=-1 mitigations=auto';
  if (acceleration === 'kvm') return common;
  const mhz = Number(/^cpu MHz\s*:\s*([\d.]+)/m.exec(readFileSync('/proc/cpuinfo', 'utf8'))?.[1]);
  return `${common}${mhz > 0 ? ` tsc_early_khz=${Math.round(mhz * 1000)}` : ''}`;
}
