/**
 * How many times longer than usual this machine takes to start things, for one that is emulated or hopelessly busy: multiplies what is waited for the
 * machine's own work, never a job's limits.
 */
export const SLOWNESS = Math.max(1, Number(process.env['GADUS_SLOWNESS'] ?? 1) || 1);

/** Unprivileged user and group of every job: nobody/nogroup on Debian, owner of nothing. */
export const JOB_UID = 65_534;
export const JOB_GID = 65_534;

/**
 * Users of this machine that the engines make up, far above those of people, services and subordinate ids (600,100,000 at most,
 * login.defs(5)): monitors of microVMs, jobs in user namespaces, and the owner of unpacked images, who is root inside.
 */
export const FIRST_MONITOR_ID = 0x5000_0000;
export const FIRST_JOB_ID = 0x5200_0000;
export const IMAGE_OWNER_ID = 0x51ff_ffff;
/** Projects of a file system's quota, one for each job's disk: of the same range, for the same reason. */
export const FIRST_PROJECT_ID = 0x5300_0000;
/** Room of each but the images' owner. */
export const IDS_EACH = 1 << 24;
/** The same where this process is itself in a user namespace, whose ids are few: the images' owner, and the first of the jobs'. */
export const ROOTLESS_IMAGE_OWNER_ID = 1;
export const ROOTLESS_FIRST_JOB_ID = 2;
/** Ids needed there: so many that two jobs at a time are seldom the same. */
export const ROOTLESS_IDS = 4096;
/** Where the roots of containers are mounted: a user namespace's root must be able to walk there, which it cannot to a private folder. */
export const ROOTS_DIRECTORY = '/run/gadus';
/** The same without root, with the user's id behind it: the one place where everybody may make a folder and nobody tidies up. */
export const ROOTLESS_ROOTS_DIRECTORY = '/dev/shm/gadus-';

/** Where the engine's own init is mounted inside a container. */
export const INIT_PATH = '/.gadus/sh';
/** PATH of a job that sets none: Debian's, for root, so that every installed program is found. */
export const DEFAULT_PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

/** Default distance of samples: the design's choice between resolution and cost. */
export const SAMPLE_INTERVAL_MS = 20;
/** Shortest accepted interval: below it the sampler would take a good part of a core. */
export const MIN_SAMPLE_INTERVAL_MS = 1;
/** Share of the interval that the first samples are apart: 1.25 ms of 20, what a sample costs four or five times over. */
export const FINEST_SHARE = 1 / 16;
/**
 * Samples at each distance on the way to the interval: 32 in the first 150 ms, about 6 ms of CPU time. Of a sort of 24 to 64 ms, a fifth of its samples lost at random, one pair
 * in five was told apart by a plain clock of 20 ms, and none with 4, 8 or 16 of these.
 */
export const FINE_STEPS = 8;
/** Samples kept of one run; beyond it every second one is dropped and the interval doubles (87 minutes at 20 ms, 31 MB). */
export const MAX_SAMPLES = 1 << 18;
/** Distance of the samples that are shown while the job runs, ms: for people. */
export const GLANCE_INTERVAL_MS = 500;
/** A sample that took c ms is followed by a pause of at least this many c, so that a fork bomb cannot eat the host's CPU by being watched. */
export const SAMPLER_IDLE_FACTOR = 4;
/** Processes whose /proc files stay open between samples (3 descriptors each); the others are opened every time. */
export const MAX_OPEN_PROCESSES = 128;
/** What seldom changes unnoticed (the list of processes, the file system's fill), or is mostly noise (context switches), is read at least on every n-th sample. */
export const REFRESH_STRIDE = 5;
/**
 * Jobs watched by one thread before there is another one, up to one for each core: a sample takes 0.1 to 0.3 ms, so that as many disturb each other's time
 * little, and a thread costs half a second of CPU time to start.
 */
export const JOBS_PER_SAMPLER = 4;
/** Longest wait for the sampler's baseline. */
export const SAMPLER_TIMEOUT_MS = 30_000 * SLOWNESS;

/** Longest wait from starting the runtime to its first sign of life. */
export const START_TIMEOUT_MS = 30_000 * SLOWNESS;
/** Between SIGTERM and SIGKILL at a job's time limit. */
export const KILL_GRACE_MS = 2_000;
/** Time to kill a job process by process, so that its totals stay exact, before the whole container is killed at once. */
export const KILL_SWEEP_MS = 1_000;
/** Distance of the passes of such a kill. */
export const KILL_PASS_MS = 25;
/** Longest wait for a killed container's runtime to leave: what it unmounts and removes waits for the disk, and for whoever else holds the kernel's lock on control groups. */
export const STOP_TIMEOUT_MS = 60_000 * SLOWNESS;
/** Longest wait for a process to be gone whose end was seen, and distance of looks. */
export const OWNER_GONE_TIMEOUT_MS = 10_000 * SLOWNESS;
export const OWNER_GONE_POLL_MS = 20;
/** Longest run of one small helper program (mount, mkfs, runtime --version). */
export const TOOL_TIMEOUT_MS = 60_000 * SLOWNESS;
/** Longest trial container of a probe: a machine without hardware virtualisation below it took 7 s. */
export const PROBE_TIMEOUT_MS = 30_000 * SLOWNESS;

/** Longest wait for systemd to give a keeper its scope, and distance of looks: 50 ms where nothing else is going on. */
export const SCOPE_TIMEOUT_MS = 10_000 * SLOWNESS;
export const SCOPE_POLL_MS = 5;

/** CFS period: the kernel's default. */
export const CPU_PERIOD_US = 100_000;
/** Limits while the runtime starts; a smaller limit of the job is put in place at the start mark, because the runtime's own start counts in the same group. */
export const START_MEMORY_BYTES = 64 * 1024 ** 2;
export const START_PROCESSES = 64;
export const START_CPUS = 1;
/** Size of /tmp and /dev/shm: at most this, and at most half the job's memory, to which both count. */
export const MAX_TMP_BYTES = 256 * 1024 ** 2;
/** Open files of a job, soft and hard: Debian's default, and a bound on kernel memory. */
export const SOFT_OPEN_FILES = 1024;
export const HARD_OPEN_FILES = 65_536;

/** Room ext4 needs for its own tables and its reserve, on top of the job's disk limit; measured for 1 MiB to 100 GiB. */
export const EXT4_OVERHEAD_RATIO = 0.04;
export const EXT4_OVERHEAD_BYTES = 2 * 1024 ** 2;
/** Longest path in an output that is taken, bytes: half of what Linux takes of a path, so that it is one wherever the output lies. */
export const LONGEST_OUTPUT_PATH_BYTES = 2048;
/** Bytes of a job's disk for each file it may have, whatever the disk is; and files that every disk has beyond that: folders the engine makes. */
export const BYTES_PER_INODE = 16_384;
export const SPARE_INODES = 64;
/** Empty file systems kept as templates, one for each size asked for lately. */
export const MAX_SCRATCH_TEMPLATES = 16;
/**
 * A disk counts as full with less than a sixteenth free, within these bounds: recent kernels reserve up to 2 MiB for one large
 * write, and fail it as a whole.
 */
export const DISK_FULL_SHARE = 1 / 16;
export const MIN_DISK_FULL_BYTES = 64 * 1024;
export const MAX_DISK_FULL_BYTES = 2 * 1024 ** 2;

/** Largest unpacked image. */
export const MAX_IMAGE_BYTES = 16 * 1024 ** 3;
/**
 * Longest name in an image's archive, as tar lists it (a link's with its target): half of what Linux takes of a path, so that it is one wherever the image lies. For a
 * symbolic link that is a bound on its target as well.
 */
export const LONGEST_IMAGE_PATH_CHARS = 2048;
/** Most files in an image: bounds inodes and the time to unpack. */
export const MAX_IMAGE_ENTRIES = 1_000_000;
/** Most characters of the names of a layer's directories, and of what its hard links are to: they are kept while it is unpacked. 600,000 directories at a hundred each. */
export const MAX_LAYER_NAMES_CHARS = 64 * 1024 ** 2;
/** Longest build or unpacking of an image. */
export const IMAGE_TIMEOUT_MS = 30 * 60_000;

/** Distance of looks at the lengths of a running job's output files, ms, at its start: a few samples, so that a job of a second has a history as well. */
export const FIRST_OUTPUT_NOTE_INTERVAL_MS = 40;
/** The same of a job that runs longer than a minute: one for each window of its evidence. */
export const OUTPUT_NOTE_INTERVAL_MS = 1000;
/** Notes at which looks that are more frequent than that become half as frequent: twice this many are then taken at most, whatever a job's length up to there. */
export const FINE_OUTPUT_NOTES = 48;
/** Most entries of an output that are looked at: beyond it, looking would cost more than sampling. */
export const MAX_NOTED_FILES = 256;
/** Most notes kept of one run: an hour's; of a longer one they are less frequent. */
export const MAX_OUTPUT_NOTES = 4096;
/** Largest manifest or index of an image: registries take no larger ones. */
export const MAX_MANIFEST_BYTES = 4 * 1024 ** 2;
/** Longest wait for a registry's next word. */
export const REGISTRY_TIMEOUT_MS = 60_000;
/** Distance of looks at what has come of an image. */
export const PULL_LOOK_MS = 200;
/** How often a fetch that was broken off is tried again. */
export const PULL_RETRIES = 2;
/** Longest fetch of an image from which something always comes. */
export const PULL_TIMEOUT_MS = 24 * 3_600_000;
/** Unpacked images kept, the least recently used forgotten first; images in use are never forgotten. */
export const MAX_KEPT_IMAGE_BYTES = 64 * 1024 ** 3;
