/** Whether a channel only ever grows, or goes up and down. */
export type ChannelKind = 'counter' | 'level';

/** Everything a sampler may see of a replica; an engine that cannot see a channel leaves it out. */
export const CHANNELS = {
  cpuUserNs: { kind: 'counter', unit: 'ns', about: 'CPU time in user mode, all processes of the job' },
  cpuSystemNs: { kind: 'counter', unit: 'ns', about: 'CPU time in kernel mode' },
  cpuNs: { kind: 'counter', unit: 'ns', about: 'CPU time, both modes, as the cgroup accounts it' },
  residentBytes: { kind: 'level', unit: 'B', about: 'anonymous resident memory' },
  cacheBytes: { kind: 'level', unit: 'B', about: 'page cache charged to the job' },
  minorFaults: { kind: 'counter', unit: '1', about: 'page faults served without I/O' },
  majorFaults: { kind: 'counter', unit: '1', about: 'page faults that needed I/O' },
  readBytes: { kind: 'counter', unit: 'B', about: 'bytes returned by read-like system calls' },
  writtenBytes: { kind: 'counter', unit: 'B', about: 'bytes taken by write-like system calls' },
  readCalls: { kind: 'counter', unit: '1', about: 'read-like system calls' },
  writeCalls: { kind: 'counter', unit: '1', about: 'write-like system calls' },
  contextSwitches: { kind: 'counter', unit: '1', about: 'voluntary and involuntary context switches' },
  processes: { kind: 'level', unit: '1', about: 'live processes' },
  outputBytes: { kind: 'level', unit: 'B', about: 'bytes on the job\'s writable file system, and its log' },
  instructions: { kind: 'counter', unit: '1', about: 'wasm instructions executed' },
} as const satisfies Record<string, { kind: ChannelKind; unit: string; about: string }>;

export type ChannelName = keyof typeof CHANNELS;

/** What a sampler outside the job saw of one replica. All series have the length of `t`. */
export interface Trace {
  version: 1;
  /** Engine that ran the replica, e.g. `container`. */
  engine: string;
  /** Nominal distance of samples, ms. */
  intervalMs: number;
  /** Milliseconds since the start mark; strictly increasing; the first is 0 and the last the end of the run. */
  t: Float64Array;
  /** Series by channel; a counter starts at 0 at the start mark and never falls. */
  channels: Partial<Record<ChannelName, Float64Array>>;
}

/** The output's size, its entropy and byte histogram along its length, and a similarity sketch of its content. */
export interface OutputProfile {
  version: 1;
  /** All output bytes: the outputs' files in path order, then stdout. */
  bytes: number;
  files: number;
  /** Shannon entropy of each equal-length segment, bits per byte. */
  entropy: Float64Array;
  /** Share of bytes in each of 16 value ranges (high nibble), per segment, row by row. */
  histogram: Float64Array;
  /** MinHash of the output's content-defined chunks, 64 words below 2^26 that say which content it is; all 2^32 - 1 where it is empty. */
  content: Uint32Array;
}

/** Lengths of the files of a run's output as they grew, noted from outside while it ran. */
export interface OutputNotes {
  /** When each note was taken, ms since the start mark, ascending. */
  t: Float64Array;
  /** By path in the result, which begins with the output's name (the log is `stdout`); bytes at each note, 0 before there was a file. */
  files: { path: string; lengths: Float64Array }[];
}

/** What a replica with a network policy was allowed to reach, and what it did reach. */
export interface NetworkUse {
  /** `host:port`, as the spec has them. */
  allowed: string[];
  /** Places that were connected to, in the order of `allowed`; bytes as the node's proxy saw them. */
  used: { endpoint: string; connections: number; sentBytes: number; receivedBytes: number }[];
  /** Attempts that were turned away. */
  refused: number;
}

/** Where a replica ran. `network` is there only where the job had one. */
export interface Environment { engine: string; runtime: string; kernel: string; cpu: string; cores: number; cgroup: string; gadus: string; network?: NetworkUse }

/** What one replica left behind; its encoding is what `evidenceDigest` hashes. */
export interface Evidence {
  version: 2;
  jobId: `0x${string}`;
  node: `0x${string}`;
  resultCid: string;
  /** The file the result can be had in, where it is encrypted to the client; `resultCid` is of the directory in it. */
  encryptedResultCid?: string;
  exitCode: number;
  /** Why the run ended. */
  ended: 'exit' | 'signal' | 'timeout' | 'memory' | 'disk';
  trace: Trace;
  profile: OutputProfile;
  /** Root of the tree over the trace's windows, which the node opens when they are drawn. */
  windowRoot: `0x${string}`;
  /** The comparable summary, hex. */
  sketch: `0x${string}`;
  environment: Environment;
}
