import { cpuQuotaUs } from '../cgroup/limits.ts';
import { CPU_PERIOD_US, DEFAULT_PATH, FIRST_OUTPUT_NOTE_INTERVAL_MS, MAX_TMP_BYTES } from '../constants.ts';
import { isWithin, type MountPlan } from '../container/mount-plan.ts';
import type { MountPoint } from '../container/skeleton.ts';
import { PROXY_PORT } from '../egress/constants.ts';
import { proxyEnvironment } from '../egress/proxy-environment.ts';
import type { RunRequest } from '../engine.ts';
import { mostEntries } from './receive-outputs.ts';
import { seccompProgram } from './seccomp-program.ts';

/** One order to the guest agent: its name and its words. docs/microvm.md lists them all. */
export type GuestOrder = (string | Uint8Array | number)[];

/** Names of a guest's disks. */
export const IMAGE_DISK = 'image';
export const INDEX_DISK = 'index';
export const SCRATCH_DISK = 'scratch';
export const directDisk = (n: number): string => `input-${n}`;

/** Folders on the index disk. */
export const SKELETON_FOLDER = 'skeleton';
export const INPUTS_FOLDER = 'in';

const ROOT = '/run/job';
const IMAGE = '/run/image';
const INDEX = '/run/index';
const SCRATCH = '/run/scratch';

/** Every place that the orders mount something at, for the skeleton. */
export function guestMountPoints(plan: MountPlan): MountPoint[] {
  return [
    ...['/proc', '/dev', '/sys'].map((target) => ({ target, directory: true })),
    { target: '/tmp', directory: true, mode: 0o1777 },
    ...plan.writable.map(({ target }) => ({ target, directory: true })),
    ...plan.inputs,
  ];
}

/**
 * What the agent is to do for a job, step by step: mount the disks, put the root together from image, inputs and scratch, and run the command.
 *
 * @param disk how the guest finds a disk by its name: the serial number, or `#n` where the VMM gives none
 * @param directDisks number of inputs that are disks of their own
 */
export function guestOrders({ spec, sampleIntervalMs }: Pick<RunRequest, 'spec' | 'sampleIntervalMs'>, plan: MountPlan, disk: (name: string) => string, directDisks: number): GuestOrder[] {
  const { resources } = spec;
  const orders: GuestOrder[] = [];
  const order = (...words: GuestOrder) => { orders.push(words); };
  const setting = (name: string, value: string | number) => order('set', name, value);

  order('erofs', IMAGE, disk(IMAGE_DISK));
  order('erofs', INDEX, disk(INDEX_DISK), ...Array.from({ length: directDisks }, (_, n) => disk(directDisk(n))));
  order('ext4', SCRATCH, disk(SCRATCH_DISK));
  order('overlay', ROOT, `lowerdir=${INDEX}/${SKELETON_FOLDER}:${IMAGE}`);
  order('devices', `${ROOT}/dev`);
  const tmpBytes = Math.min(MAX_TMP_BYTES, Math.floor(resources.memoryBytes / 2));
  for (const at of ['/dev/shm', '/tmp']) order('tmpfs', ROOT + at, `mode=1777,size=${tmpBytes}`);

  const mounts: { target: string; mount: () => void }[] = plan.inputs.map(({ target }, i) => ({
    target, mount: () => order('bind', `${INDEX}/${INPUTS_FOLDER}/${i}`, ROOT + target),
  }));
  for (const [i, { slot, target, lower }] of plan.writable.entries()) {
    const data = `${SCRATCH}/${slot}`;
    ownSlot(data, target, plan, order);
    mounts.push({
      target,
      mount: () => {
        if (lower === undefined) return order('bind', data, ROOT + target, 'rw');
        // overlayfs separates its options by commas and its layers by colons: a path of the image may hold either.
        order('dir', `/run/lower-${i}`);
        order('bind', IMAGE + target, `/run/lower-${i}`);
        order('dir', `${SCRATCH}/.${slot}`);
        order('overlay', ROOT + target, `lowerdir=/run/lower-${i},upperdir=${data},workdir=${SCRATCH}/.${slot}`, 'rw');
      },
    });
  }
  for (const { mount } of mounts.sort((a, b) => (a.target < b.target ? -1 : 1))) mount();

  order('proc', `${ROOT}/proc`);
  setting('root', ROOT);
  setting('workdir', plan.workdir);
  setting('scratch', SCRATCH);
  setting('memoryBytes', resources.memoryBytes);
  setting('processes', resources.processes);
  setting('cpuMax', `${cpuQuotaUs(resources.cpus)} ${CPU_PERIOD_US}`);
  setting('timeoutMs', resources.timeoutMs);
  setting('logBytes', resources.logBytes);
  setting('diskBytes', resources.diskBytes);
  setting('entries', mostEntries(resources.diskBytes));
  setting('intervalMs', sampleIntervalMs);
  setting('noteMs', FIRST_OUTPUT_NOTE_INTERVAL_MS);
  if (spec.network !== 'none') order('network', PROXY_PORT);
  order('seccomp', seccompProgram());
  // In an order that is the same on every node.
  const env = Object.entries({ PATH: DEFAULT_PATH, HOME: spec.workdir, ...proxyEnvironment(spec), ...spec.env }).sort(([a], [b]) => (a < b ? -1 : 1));
  for (const [name, value] of env) order('env', `${name}=${value}`);
  for (const word of spec.command) order('arg', word);
  for (const { name, slot, below } of plan.outputs) order('output', name, below === '' ? `${SCRATCH}/${slot}` : `${SCRATCH}/${slot}/${below}`);
  return orders;
}

/** A slot belongs to the job; so do the mount points inside it, or the job could not write beside its inputs. */
function ownSlot(data: string, target: string, plan: MountPlan, order: (...words: GuestOrder) => void): void {
  order('own', data);
  const inner = [...plan.inputs, ...plan.writable.map((mount) => ({ target: mount.target, directory: true }))];
  for (const { target: place, directory } of inner) {
    if (place === target || !isWithin(place, target)) continue;
    const names = place.slice(target === '/' ? 1 : target.length + 1).split('/');
    const last = names.pop()!;
    let at = data;
    for (const name of names) order('own', at = `${at}/${name}`);
    order('own', `${at}/${last}`, ...(directory ? [] : ['file']));
  }
}
