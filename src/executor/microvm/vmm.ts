import type { Duplex } from 'node:stream';

/** A disk of a guest: a host file under a name. */
export interface GuestDisk { name: string; path: string; writable: boolean }

export interface VmmInit {
  /** Unique name of the run. */
  name: string;
  kernel: string;
  initrd: string;
  disks: GuestDisk[];
  memoryBytes: number;
  vcpus: number;
  /** Whether the guest gets a second channel, for its job's network. */
  network: boolean;
  /** The run's own directory. */
  directory: string;
  /** The control group below which its own belongs, where the keeper has one (`CgroupLayout.base`). */
  groupBase?: string;
  signal?: AbortSignal;
}

/** A virtual machine monitor with its guest. */
export interface Vmm {
  /** Process id on this machine. */
  pid: number;
  /** The conversation with the guest agent. */
  channel: Duplex;
  /** The channel of the job's network, of a guest that has one and is ready. @throws ExecutorError START_TIMEOUT, GUEST_MISBEHAVED, ABORTED */
  network(): Promise<Duplex>;
  /** Settles when the process has left. */
  left: Promise<void>;
  /** The last of what the monitor and the guest's console said. */
  lastWords(): string;
  /** Kills it and waits until it is gone. */
  kill(): Promise<void>;
}

/** Something that starts microVMs. */
export interface VmmKind {
  /** Name and version, such as `qemu 7.2.22 tcg`. */
  runtime: string;
  /** What the guest calls a disk. */
  disk(disks: readonly GuestDisk[], name: string): string;
  start(init: VmmInit): Promise<Vmm>;
}
