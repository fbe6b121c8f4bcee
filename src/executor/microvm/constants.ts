/** Version of the protocol between host and guest agent, its tunnel included. */
export const PROTOCOL_VERSION = 2;
/** Longest frame to a guest, as its agent has it, too: a job of the longest command fits. */
export const MAX_FRAME_BYTES = 64 * 1024 ** 2;
/** Longest frame from a guest: nothing it says makes the host keep more. Its agent sends 64 KiB at a time. */
export const MAX_GUEST_FRAME_BYTES = 1024 ** 2;

/** Longest wait from starting the VMM to the guest's first words: emulated and beside six others, a boot took 20 s. */
export const BOOT_TIMEOUT_MS = 120_000;
/** Longest wait from the orders to a job ready to start. */
export const PREPARE_TIMEOUT_MS = 120_000;
/** What a guest may be late beyond the job's own time limit before it counts as stuck: emulated guests have slow clocks and hands. */
export const END_SLACK_MS = 60_000;
/** Longest silence of a guest that hands over outputs. */
export const OUTPUT_SILENCE_MS = 60_000;
/** Longest time for all outputs: a base, and what the job's disk takes at the slowest rate; an emulated guest beside six others had 8 MB/s. */
export const OUTPUT_TIMEOUT_MS = 5 * 60_000;
export const SLOWEST_OUTPUT_BYTES_PER_MS = 512;
/** Longest trial of a probe. */
export const PROBE_TIMEOUT_MS = 120_000;
/** Longest wait for a killed VMM to be gone. */
export const STOP_TIMEOUT_MS = 10_000;

/** What kernel, agent and page tables need beside the job's memory: a base, and a share of it. */
export const GUEST_MEMORY_BYTES = 96 * 1024 ** 2;
export const GUEST_MEMORY_RATIO = 1 / 32;
/** What the monitor itself needs of memory beside its guest's: Firecracker's promise is 5 MiB, its page tables and buffers are counted too; QEMU's code and buffers are some 40. */
export const MONITOR_MEMORY_BYTES = 64 * 1024 ** 2;
/** Most virtual CPUs of one guest. */
export const MAX_VCPUS = 32;

/** What an emulator may keep of translated code, MiB: a guest's start takes 56, and QEMU's own limit is 1 GiB. */
export const TRANSLATED_MIB = 128;

/** Input files of at least this size become disks of their own and are not copied; smaller ones are copied into the index. */
export const DIRECT_FILE_BYTES = 1024 ** 2;
/** Most such disks of a guest: QEMU's microvm has 24 places for devices in all. The largest files get them. */
export const MAX_DIRECT_FILES = 16;
/** Disk images of unpacked container images kept, the least recently used of more are deleted. */
export const MAX_CACHED_DISKS = 16;

/** Last part of a VMM's console kept, for the message when it fails. */
export const MAX_CONSOLE_BYTES = 16 * 1024;
/** Most entries in a job's outputs: a base and one for so many bytes of its disk (its file system has an inode for 4 KiB), up to a limit. */
export const BASE_OUTPUT_ENTRIES = 4096;
export const OUTPUT_ENTRY_BYTES = 1024;
export const MAX_OUTPUT_ENTRIES = 1_000_000;
/** Most bytes of the paths of an output's directories, which are kept until its end; the guest's agent sends paths of 4 KiB at most. */
export const MAX_OUTPUT_PATH_BYTES = 64 * 1024 ** 2;
/** Most bytes of different paths in a guest's notes on its outputs as they grow; later notes with others are passed over. */
export const MAX_NOTED_PATH_BYTES = 4 * 1024 ** 2;
/** Most remarks of a guest on its outputs that are kept. */
export const MAX_OUTPUT_REMARKS = 100;
/** Unprivileged user of the VMM: owner of nothing; not the job's. */
export const VMM_UID = 65_534;
