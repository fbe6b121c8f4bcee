import type { ChannelName } from '../protocol/trace/trace.ts';

/** Segments of an output profile: enough to see a header, a body and a tail, few enough to travel. */
export const PROFILE_SEGMENTS = 32;
/** Value ranges of a profile's histogram: one per high nibble. */
export const PROFILE_BINS = 16;
/** Minima of a profile's content: the similarity of two outputs is then known within a standard deviation of 1/16. */
export const CONTENT_BINS = 64;
/** A chunk of content ends where the rolling hash's bits from this one on, the highest six, are 0, once in 64 bytes: about a line. High bits depend on the last 26 bytes and more. */
export const CONTENT_CHUNK_SHIFT = 26;
/** Shorter chunks would say little about their output. */
export const CONTENT_MIN_CHUNK_BYTES = 16;
/** Bounds the chunks of outputs that repeat themselves, zeros for one. */
export const CONTENT_MAX_CHUNK_BYTES = 512;
/** Points of a curve on the work axis. */
export const CURVE_POINTS = 15;
/** Points of the entropy curve in a fingerprint. */
export const ENTROPY_POINTS = 16;
/** A trace with fewer than this share of the samples that were due has no slack: 0.48 is the least a starved sampler left, with ten times the load it had cores for. */
export const MIN_SAMPLED_SHARE = 0.25;
/** Most tolerances that slack excuses a curve: whoever samples so rarely that his curve could be anything shall not agree with everybody. */
export const MAX_SLACK = 4;

/** Most samples one trace may have: 55 hours at 20 ms. */
export const MAX_TRACE_SAMPLES = 10_000_000;
/** Most bytes of encoded evidence: an hour at 20 ms takes about 6 MB; decoding needs at most eight times this in memory. */
export const MAX_EVIDENCE_BYTES = 32 * 1024 * 1024;
/** Most bytes of one shard's encoded evidence: with its hashes it fits in one message, compressed or not. */
export const MAX_SHARD_EVIDENCE_BYTES = 12 * 1024 * 1024;
/** Most bytes of the encoded evidence of all shards of a replica: the client holds that of every seat in memory. */
export const MAX_SHARDED_EVIDENCE_BYTES = 256 * 1024 * 1024;
/** Bytes of evidence one message with several shards holds before compression. */
export const SHARD_PIECE_BYTES = 8 * 1024 * 1024;
/** Bytes of encoded evidence a sample takes: an hour at 20 ms was 6 MB. */
export const EVIDENCE_BYTES_PER_SAMPLE = 34;
/** Bytes of a shard's encoded evidence besides its regular samples: the output profile, and those that a run begins with. */
export const EVIDENCE_BYTES_PER_SHARD = 7 * 1024;
/** Most bytes of a manifest's encoding: 10,000 shards take 0.4 MB. */
export const MAX_MANIFEST_BYTES = 1024 * 1024;
/** Shards whose windows are drawn and opened: of a cheat that skipped a tenth of them, more than half are met, on top of what the traces show. */
export const DRAWN_SHARDS = 8;
/** Most bytes of a trace file a command reads: JSON takes about 10 bytes a number. */
export const MAX_TRACE_FILE_BYTES = 512 * 1024 * 1024;
/** Bytes of output read in one go: large enough for full disk speed, small enough to leave the event loop free. */
export const PROFILE_CHUNK_BYTES = 1024 * 1024;

/** How a channel's total enters the fingerprint: `floor` is the size, in the channel's unit, of what start-up and sampling add or lose. */
export interface NoiseFloor { channel: ChannelName; floor: number }

/** One block of the fingerprint: a run of features that share a meaning, a scale and a tolerance. */
export interface Block {
  name: string;
  /** Where it comes from. */
  kind: 'total' | 'curve' | 'output';
  /** Features in the block. A curve's last one is its slack: how far, on average, its points may be off between samples. */
  count: number;
  /** Mean absolute difference of its features at which two honest runs stop being plausible; in `unit`. */
  tolerance: number;
  /** The same for programs that repeat themselves in this block: used among replicas of which a majority does. */
  strict?: number;
  /** octave: log2(1 + value / floor); share: 0 to 1; bit: bits per byte. */
  unit: 'octave' | 'share' | 'bit';
}

/** Sketch steps per unit: one octave is 1,024 steps (0.07 % each), a share of 1 and 8 bits are 32,768 steps. */
export const SKETCH_SCALE = { octave: 1024, share: 32_768, bit: 4096 } as const;

/**
 * Below these amounts two runs are the same: what a runtime's start-up, a lost last sample or a kernel's per-CPU batch of
 * statistics adds. Totals enter as log2(1 + total / floor), so a difference below the floor fades out.
 */
export const FLOORS = {
  /** What a small program has for a moment, and samples miss; 64 pages a CPU are charged before the cgroup's statistics move. */
  residentBytes: 16 * 1024 * 1024,
  /** A dynamically linked process takes 100 to 500 faults to start. */
  minorFaults: 1000,
  /** Locale, library and script headers. */
  readBytes: 64 * 1024,
  writtenBytes: 64 * 1024,
  readCalls: 100,
  writeCalls: 100,
  /** Start-up of a few processes on a slow machine. */
  cpuNs: 100e6,
  /** A log line with a time stamp or a host name. */
  outputBytes: 1024,
  /** A WASI start-up. */
  instructions: 100_000,
} as const satisfies Partial<Record<ChannelName, number>>;

/**
 * The fingerprint's blocks, in the order of the sketch's features. The contract's SketchLib holds the same counts and tolerances.
 *
 * Tolerances come from the laboratory's corpus (docs/evidence.md): some 600 honest runs of 52 programs at a quarter to all of the CPU,
 * beside up to three neighbours, with tight memory and cold caches, sampled every 10 to 100 ms; no pair of them is beyond 1. `seen` is the
 * largest difference of two honest runs in each block, in its unit. The laboratory's report says what they are worth on programs they
 * were not chosen by.
 */
export const BLOCKS = [
  // seen 0.20: samples miss short peaks, and sort and its like allocate by the number of cores
  { name: 'peak memory', kind: 'total', count: 1, tolerance: 0.45, unit: 'octave' },
  // seen 0.10, in programs that draw random numbers; layout, one more process in front of the job
  { name: 'page faults', kind: 'total', count: 1, tolerance: 0.2, unit: 'octave' },
  // seen 0.002: a tenth of the work is 0.15, a hundredth 0.0145
  { name: 'bytes read', kind: 'total', count: 1, tolerance: 0.01, strict: 0.005, unit: 'octave' },
  // seen 0.05: progress reports, races
  { name: 'bytes written', kind: 'total', count: 1, tolerance: 0.08, unit: 'octave' },
  // seen 0.53: pipes split reads by the readers' timing
  { name: 'read calls', kind: 'total', count: 1, tolerance: 1, unit: 'octave' },
  // seen 0.06
  { name: 'write calls', kind: 'total', count: 1, tolerance: 0.15, unit: 'octave' },
  // seen 1.3 in user mode: neighbours on the same core take cache and clock, so that half the work, 1 octave, may pass
  { name: 'CPU time', kind: 'total', count: 1, tolerance: 1.4, unit: 'octave' },
  // exact in a wasm engine but for what the host answers
  { name: 'instructions', kind: 'total', count: 1, tolerance: 0.02, unit: 'octave' },
  // seen 0.02: time stamps keep their width, random numbers do not
  { name: 'output size', kind: 'output', count: 1, tolerance: 0.05, strict: 0.003, unit: 'octave' },
  // seen 0.07 beyond slack, which bounds what a counter may do between samples and not what a level may
  { name: 'memory over work', kind: 'curve', count: CURVE_POINTS + 1, tolerance: 0.15, unit: 'octave' },
  // seen 0.02 beyond slack
  { name: 'reading over work', kind: 'curve', count: CURVE_POINTS + 1, tolerance: 0.03, unit: 'share' },
  // seen 0.002 beyond slack
  { name: 'writing over work', kind: 'curve', count: CURVE_POINTS + 1, tolerance: 0.03, unit: 'share' },
  // seen 0.01 beyond slack
  { name: 'page faults over work', kind: 'curve', count: CURVE_POINTS + 1, tolerance: 0.03, unit: 'share' },
  // seen 0.09 beyond slack
  { name: 'CPU time over work', kind: 'curve', count: CURVE_POINTS + 1, tolerance: 0.12, unit: 'share' },
  // seen 0.12, in outputs of a kilobyte
  { name: 'output entropy', kind: 'output', count: ENTROPY_POINTS, tolerance: 0.2, unit: 'bit' },
  // seen 0.001: random bytes pass from about 5 kB of output on (mean difference 0.27 / sqrt(bytes))
  { name: 'output byte values', kind: 'output', count: PROFILE_BINS, tolerance: 0.004, unit: 'share' },
] as const satisfies readonly Block[];

export type BlockName = (typeof BLOCKS)[number]['name'] | typeof CONTENT_BLOCK;

/** Features in a fingerprint and in a sketch. */
export const FEATURES = BLOCKS.reduce((sum, block) => sum + block.count, 0);

/** The block that compares what the output contains: it has no features, but the minima of the profile, and is strict only. */
export const CONTENT_BLOCK = 'output content';
/** Share of an output's content that may differ under the strict tolerance: time stamps, random names, floating point noise here and there. */
export const CONTENT_TOLERANCE = 0.25;
/** The same where the results of a majority are identical, bit for bit: then nothing but the order of a race's outcome may differ. */
export const CONTENT_TOLERANCE_IDENTICAL = 0.05;
/** Smaller outputs are not compared by content: a few time stamps, equal by chance in two replicas of three, would be too much of them. */
export const CONTENT_MIN_BYTES = 2048;

/** First byte of a sketch. */
export const SKETCH_VERSION = 2;
/** Bytes of content in a sketch: one bit of each minimum. */
export const SKETCH_CONTENT_BYTES = CONTENT_BINS / 8;
/** Most bits of content that differ under the strict tolerance: of unlike minima every other bit is equal. */
export const SKETCH_CONTENT_TOLERANCE = (CONTENT_TOLERANCE * CONTENT_BINS) / 2;
/** The same where the results of a majority are identical. */
export const SKETCH_CONTENT_TOLERANCE_IDENTICAL = 3;
/**
 * Share of an output's content that may differ in one of several shards, where the whole results of a majority are identical: the outputs of
 * two inputs differ in nearly all of it, and half leaves room for a shard in which a race came out otherwise.
 */
export const CONTENT_TOLERANCE_SHARDS = 0.5;
/** The same in bits of a sketch; of 64 bits of two unlike outputs so few differ once in 25,000 times. */
export const SKETCH_CONTENT_TOLERANCE_SHARDS = (CONTENT_TOLERANCE_SHARDS * CONTENT_BINS) / 2;
/** Length of a sketch. */
export const SKETCH_BYTES = 1 + 2 * FEATURES + SKETCH_CONTENT_BYTES;
/** An absent feature. */
export const SKETCH_ABSENT = 0xffff;
/** Sketch distance up to which two replicas agree. */
export const SKETCH_THRESHOLD = 1000;
/** Two sketches are comparable when the features that only one of them has are at most 1 in this many of those both have. */
export const LONELY_FEATURES_DIVISOR = 4;

/** Fewest earlier runs of a class that a run's strangeness is told by. */
export const MIN_CLASS_RUNS = 5;
/** What is usual among all programs counts as much as this many runs of a class. */
export const CLASS_PRIOR_WEIGHT = 4;
/**
 * Usual deviation of a run from others of its class, in tolerances, for each block and then content. The laboratory's, as all that follows: three of
 * five of its programs stay below it; most never differ at all, so that 0.02 stands for a block's grain.
 */
export const CLASS_PRIORS: readonly number[] = [0.02, 0.02, 0.02, 0.02, 0.02, 0.02, 0.05, 0.02, 0.02, 0.02, 0.02, 0.02, 0.02, 0.02, 0.02, 0.02, 0.02];
/** How many times its class's usual deviation a run goes in each block: two honest runs in a thousand go further. A race, or a sampler that was starved, bends curves. */
export const CLASS_BLOCK_LIMITS: readonly number[] = [12, 18, 7.5, 2.2, 4.6, 2.1, 7, 2, 3, 37, 138, 2, 70, 14, 2.2, 3.4, 2.2];
/** Score that one honest run in a hundred reaches beside five earlier ones; beside more it is fewer. */
export const CLASS_LIMIT = 2;
/** Scores, and the share of honest runs that reach them, ascending. */
export const CLASS_SCORES: readonly (readonly [score: number, share: number])[] = [[0, 1], [0.67, 0.1], [2, 0.01], [100, 0.001]];

/** Counters that the machine has a say in: with time they move in ways that no two runs share, and a copy does. */
export const NOISY_CHANNELS: readonly ChannelName[] = ['cpuUserNs', 'cpuSystemNs', 'readBytes', 'writtenBytes', 'minorFaults', 'contextSwitches', 'readCalls', 'writeCalls'];
/** Two paths closer than this are one (`pathResidual`): among 800 pairs of honest runs the closest were 0.019 apart. */
export const COPY_RESIDUAL = 0.015;
/** Steps more alike than this are the same ones (`stepCorrelation`): among those pairs six had equally many samples, and 0.84 at most. */
export const COPY_STEP_CORRELATION = 0.88;

/** HPKE info string (RFC 9180, section 5.1): binds sealed bytes to this use. */
export const SEAL_INFO = 'gadus evidence v1';
/** The same for encrypted results. */
export const RESULT_SEAL_INFO = 'gadus result v1';
/** Bytes of a result encrypted in one go: its tag adds 0.02 %, and so much is held in memory. */
export const RESULT_SEAL_CHUNK_BYTES = 64 * 1024;
