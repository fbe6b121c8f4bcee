import { spawn } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import type { Socket } from 'node:net';
import path from 'node:path';
import type { Readable } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import { anySignal } from '../../../protocol/base/any-signal.ts';
import { cgroupLayout } from '../../cgroup/layout.ts';
import { ExecutorError, aborted } from '../../errors.ts';
import { runTool, systemPath } from '../../tool.ts';
import { MAX_CONSOLE_BYTES } from '../constants.ts';
import { killVmm } from '../qemu.ts';
import type { GuestDisk, Vmm, VmmInit, VmmKind } from '../vmm.ts';
import { firecrackerApi, type FirecrackerApi } from './api-client.ts';
import type { RateLimiter } from './api-types.ts';
import { boundedPipe } from './bounded-pipe.ts';
import { connectVsock } from './connect-vsock.ts';
import { AGENT_PORT, NETWORK_PORT, DRIVE_BYTES_PER_S, DRIVE_OPERATIONS_PER_S, GUEST_CID, OLDEST_VERSION, RETRY_MS, SOCKET_TIMEOUT_MS } from './constants.ts';
import {
  API_SOCKET, INITRD_FILE, KERNEL_FILE, LOG_PIPE, METRICS_PIPE, VSOCK_SOCKET, adoptTimerThread, diskFile, emptyJail, fillJail, planJail, removeJailGroups, type Jail,
} from './jail.ts';
import { watchMonitor, type WatchdogOptions } from './watchdog.ts';

export interface FirecrackerPaths { firecracker: string; jailer: string }
interface Chosen extends FirecrackerPaths { version: string; watchdog: Omit<WatchdogOptions, 'onSilent'> }

/** The two programs where FIRECRACKER and JAILER name them. */
export function firecrackerPaths(env: Record<string, string | undefined> = process.env): FirecrackerPaths | undefined {
  const { FIRECRACKER: firecracker, JAILER: jailer } = env;
  return firecracker && jailer ? { firecracker: path.resolve(firecracker), jailer: path.resolve(jailer) } : undefined;
}

/** The version of a Firecracker and its jailer. @throws ExecutorError VMM_FAILED when it is too old or they are not of one release, TOOL_MISSING, TOOL_FAILED, ABORTED */
export async function firecrackerVersion({ firecracker, jailer }: FirecrackerPaths, options: { signal?: AbortSignal } = {}): Promise<string> {
  const version = /Firecracker v(\d+)\.(\d+)\.\S+/.exec((await runTool(firecracker, ['--version'], options)).stdout);
  const [major, minor] = [Number(version?.[1]), Number(version?.[2])];
  if (!version || major < OLDEST_VERSION[0] || (major === OLDEST_VERSION[0] && minor < OLDEST_VERSION[1])) {
    throw new ExecutorError('VMM_FAILED', 'this Firecracker is not supported', { details: version?.[0] ?? 'no version', hint: `v${OLDEST_VERSION.join('.')} or later` });
  }
  const found = version[0].slice('Firecracker v'.length);
  const jailers = /Jailer v(\S+)/.exec((await runTool(jailer, ['--version'], options)).stdout)?.[1];
  if (jailers !== found) throw new ExecutorError('VMM_FAILED', 'Firecracker and its jailer are not of one release', { details: `${found} and ${jailers ?? 'none'}` });
  return found;
}

/** Firecracker behind its jailer. It gives disks no names: the guest knows them by their order. */
export function firecracker(version: string, paths: FirecrackerPaths, watchdog: Omit<WatchdogOptions, 'onSilent'> = {}): VmmKind {
  return {
    runtime: `firecracker ${version}`,
    disk: (disks, name) => `#${disks.findIndex((disk) => disk.name === name)}`,
    start: (init) => startFirecracker(init, { ...paths, version, watchdog }),
  };
}

const RATE_LIMITER: RateLimiter = {
  bandwidth: { size: DRIVE_BYTES_PER_S, refill_time: 1000 },
  ops: { size: DRIVE_OPERATIONS_PER_S, refill_time: 1000 },
};
/** No serial console: a guest that talks costs its monitor time. */
const KERNEL_ARGUMENTS = `reboot=k panic=-1 pci=off 8250.nr_uarts=0 quiet loglevel=1 gadus.vsock=${AGENT_PORT}`;

/**
 * Starts a monitor in a jail, configures it over its API, starts the guest and shakes hands with the agent.
 *
 * @throws ExecutorError VMM_FAILED, VMM_SILENT, START_TIMEOUT, TOOL_MISSING, ABORTED
 */
async function startFirecracker(init: VmmInit, { firecracker: binary, jailer, version, watchdog }: Chosen): Promise<Vmm> {
  const found = cgroupLayout();
  const layout = found && { ...found, ...(init.groupBase === undefined ? {} : { base: init.groupBase }) };
  const jail = planJail(init, binary, layout);
  const undo: (() => unknown)[] = [() => emptyJail(jail), () => removeJailGroups(layout, jail.id)];
  const over = new AbortController();
  const signal = anySignal(init.signal, over.signal);
  const unwind = async () => {
    over.abort();
    const failures: unknown[] = [];
    for (const step of undo.splice(0).reverse()) {
      // One that fails keeps none of the others from being undone.
      try { await step(); } catch (error) { failures.push(error); }
    }
    if (failures.length > 0) throw failures[0];
  };
  try {
    await fillJail(jail, init);
    const log = await boundedPipe(path.join(jail.root, LOG_PIPE), jail.uid);
    undo.push(() => log.close());
    const metrics = await boundedPipe(path.join(jail.root, METRICS_PIPE), jail.uid);
    undo.push(() => metrics.close());
    // A socket's path has 108 bytes at most, a jail's is longer: it is reached through an open directory.
    const rootFd = openSync(jail.root, 'r');
    undo.push(() => closeSync(rootFd));
    const inJail = (name: string) => `/proc/${process.pid}/fd/${rootFd}/${name}`;

    const monitor = spawnJailer(jailer, jail);
    undo.push(() => killVmm(monitor.pid, monitor.left));
    const api = firecrackerApi(inJail(API_SOCKET));
    const gone = monitor.left.then(() => { throw new ExecutorError('VMM_FAILED', 'the monitor ended at its start', { details: [monitor.words(), log.last().trim()].filter(Boolean).join('; ') }); });
    gone.catch(() => undefined);
    await Promise.race([gone, answering(api, version, signal)]);
    await Promise.race([gone, configure(api, init, signal)]);
    await adoptTimerThread(monitor.pid, layout, jail.id);
    let verdict = '';
    const lastWords = () => [monitor.words(), log.last().trim(), verdict].filter(Boolean).join('; ');
    undo.push(watchMonitor(api, {
      ...watchdog,
      onSilent: () => {
        verdict = 'the monitor stopped answering and was killed';
        void killVmm(monitor.pid, monitor.left).catch(() => undefined);
      },
    }));
    const channel: Socket = await Promise.race([gone, connectVsock(inJail(VSOCK_SOCKET), AGENT_PORT, { signal })]);
    undo.push(() => channel.destroy());
    const network = () => Promise.race([gone, connectVsock(inJail(VSOCK_SOCKET), NETWORK_PORT, { signal })]).then((socket) => {
      if (over.signal.aborted) socket.destroy();
      undo.push(() => socket.destroy());
      return socket;
    });
    return { pid: monitor.pid, channel, network, left: monitor.left, lastWords, kill: unwind };
  } catch (error) {
    await unwind();
    throw error;
  }
}

function spawnJailer(jailer: string, jail: Jail): { pid: number; left: Promise<void>; words: () => string } {
  const child = spawn(jailer, jail.args, { stdio: ['ignore', 'pipe', 'pipe'], env: { PATH: systemPath() }, detached: true });
  let words = '';
  for (const stream of [child.stdout, child.stderr] as Readable[]) stream.setEncoding('latin1').on('data', (text: string) => { words = (words + text).slice(-MAX_CONSOLE_BYTES); });
  const left = new Promise<void>((resolve) => {
    child.on('error', (error) => { words += error.message; resolve(); });
    child.on('close', () => resolve());
  });
  if (child.pid === undefined) throw new ExecutorError('VMM_FAILED', 'the jailer could not be started', { details: jailer });
  return { pid: child.pid, left, words: () => words.replaceAll(/[^\x20-\x7e\n]/g, '').trim() };
}

/** Waits for the API to come up, of the program that was looked at before. */
async function answering(api: FirecrackerApi, version: string, signal: AbortSignal): Promise<void> {
  for (const end = performance.now() + SOCKET_TIMEOUT_MS; ;) {
    if (signal.aborted) throw aborted(signal);
    const info = await api.instance({ signal }).catch(async (error: unknown) => {
      if (performance.now() > end) throw error;
      await delay(RETRY_MS);
    });
    if (!info) continue;
    if (info.vmm_version === version) return;
    throw new ExecutorError('VMM_FAILED', 'the monitor is not the one that was looked at', { details: `${info.vmm_version}, not ${version}`, hint: 'start the node anew' });
  }
}

/** Everything before the start: log and metrics first, so that they tell of what fails after them. */
async function configure(api: FirecrackerApi, { disks, memoryBytes, vcpus }: VmmInit, signal: AbortSignal): Promise<void> {
  const options = { signal };
  await api.logger({ log_path: LOG_PIPE, level: 'Warning', show_level: true }, options);
  await api.metrics({ metrics_path: METRICS_PIPE }, options);
  await api.machineConfig({ vcpu_count: vcpus, mem_size_mib: Math.ceil(memoryBytes / 1024 ** 2), smt: false }, options);
  await api.bootSource({ kernel_image_path: KERNEL_FILE, initrd_path: INITRD_FILE, boot_args: KERNEL_ARGUMENTS }, options);
  // In their order, one after another: the guest knows them by it.
  for (const disk of disks) await api.drive(driveOf(disk), options);
  await api.vsock({ guest_cid: GUEST_CID, uds_path: VSOCK_SOCKET }, options);
  await api.balloon({ amount_mib: 0, deflate_on_oom: true }, options);
  await api.action('InstanceStart', options);
}

/** Drive ids are letters, digits and underscores. */
function driveOf({ name, writable }: GuestDisk) {
  return {
    drive_id: name.replaceAll('-', '_'), path_on_host: diskFile(name), is_root_device: false, is_read_only: !writable,
    cache_type: 'Unsafe' as const, rate_limiter: RATE_LIMITER,
  };
}
