import { open, type FileHandle } from 'node:fs/promises';
import type { Duplex } from 'node:stream';
import type { ChannelName } from '../../protocol/index.ts';
import { KILL_GRACE_MS, MAX_SAMPLES } from '../constants.ts';
import type { RunRequest, RunResult, SamplingStats } from '../engine.ts';
import { ExecutorError } from '../errors.ts';
import { glances } from '../sampler/glances.ts';
import { Series } from '../sampler/series.ts';
import { BOOT_TIMEOUT_MS, END_SLACK_MS, MAX_FRAME_BYTES, OUTPUT_SILENCE_MS, OUTPUT_TIMEOUT_MS, PREPARE_TIMEOUT_MS, PROTOCOL_VERSION, SLOWEST_OUTPUT_BYTES_PER_MS } from './constants.ts';
import type { GuestOrder } from './guest-orders.ts';
import { receiveNotes } from './receive-notes.ts';
import { receiveOutputs } from './receive-outputs.ts';
import {
  DATA, DONE, ENDED, ENTRY, FAILED, GO, HELLO, NOTE, READY, RUN, SAMPLE, STDERR, STDOUT, decodeStrings, encodeFrame, encodeStrings, misbehaved, readFrames, type Frame,
} from './wire.ts';

/** What the agent samples, in the order of its samples. */
export const GUEST_CHANNELS: ChannelName[] = [
  'cpuUserNs', 'cpuSystemNs', 'cpuNs', 'residentBytes', 'cacheBytes', 'minorFaults', 'majorFaults', 'readBytes', 'writtenBytes', 'readCalls', 'writeCalls',
  'contextSwitches', 'processes', 'outputBytes',
];

/** How long a guest may take, ms. */
export interface Patience { bootMs: number; prepareMs: number; endSlackMs: number; outputSilenceMs: number; outputsMs: number }

const PATIENCE: Patience = { bootMs: BOOT_TIMEOUT_MS, prepareMs: PREPARE_TIMEOUT_MS, endSlackMs: END_SLACK_MS, outputSilenceMs: OUTPUT_SILENCE_MS, outputsMs: OUTPUT_TIMEOUT_MS };

export interface GuestSessionInit extends Pick<RunRequest, 'spec' | 'sampleIntervalMs' | 'onLog' | 'onStart' | 'onSample'> {
  orders: GuestOrder[];
  stdoutPath: string;
  stderrPath: string;
  /** Empty directory for the outputs. */
  outputsPath: string;
  /** Called when the guest is ready, before its job starts. */
  beforeStart?: () => Promise<void>;
  /** Other limits than the usual ones, for tests. */
  patience?: Partial<Patience>;
}

/** Room on the guest's scratch disk, as `diskSpace` tells of a host's. */
interface Space { used: number; free: number; noInodes: boolean }

/** What a guest said of its job. */
export interface GuestOutcome extends Pick<RunResult, 'outputs' | 'notes' | 'outputNotes'> {
  exitCode: number;
  timedOut: boolean;
  memoryKills: number;
  before: Space;
  after: Space;
  logBytes: number;
  /** The guest's kernel. */
  release: string;
  intervalMs: number;
  t: Float64Array;
  channels: Partial<Record<ChannelName, Float64Array>>;
  sampling: SamplingStats;
}

/**
 * The host's side of the conversation with one guest, from its first word to its last output. The guest is a stranger: it is told
 * what to do, its words are checked, what it may send is limited, and it has a deadline for everything.
 *
 * @throws ExecutorError GUEST_MISBEHAVED, START_FAILED (the guest says why), START_TIMEOUT, VMM_SILENT, VMM_FAILED (it is gone)
 */
export async function guestSession(channel: Duplex, init: GuestSessionInit): Promise<GuestOutcome> {
  const { spec } = init;
  const { logBytes, timeoutMs, diskBytes } = spec.resources;
  const { bootMs, prepareMs, endSlackMs, outputSilenceMs, outputsMs } = { ...PATIENCE, ...init.patience };
  const frames = readFrames(channel);
  const logs = await Promise.all([init.stdoutPath, init.stderrPath].map((file) => open(file, 'w', 0o600)));
  const outputs = receiveOutputs(init.outputsPath, spec.outputs.map(({ name }) => name), diskBytes);
  try {
    const hello = decodeStrings(await expect(frames, HELLO, bootMs, 'START_TIMEOUT')).map(String);
    const [version, release = '', ...channels] = hello;
    if (version !== String(PROTOCOL_VERSION) || channels.join() !== GUEST_CHANNELS.join()) throw misbehaved(`protocol version ${version?.slice(0, 10)}, wanted ${PROTOCOL_VERSION}`);
    const run = encodeFrame(RUN, encodeStrings(init.orders.map(encodeStrings)));
    if (run.length > MAX_FRAME_BYTES) throw new ExecutorError('JOB_UNFIT', 'the command and its environment are too long', { details: `${run.length} bytes, at most ${MAX_FRAME_BYTES}` });
    channel.write(run);
    const before = space(numbers(await expect(frames, READY, prepareMs, 'START_TIMEOUT'), 3));
    await init.beforeStart?.();
    channel.write(encodeFrame(GO));

    const series = new Series({ names: GUEST_CHANNELS, intervalMs: init.sampleIntervalMs, limit: MAX_SAMPLES });
    const glance = glances(series, init.onSample);
    const first = sampleOf(await expect(frames, SAMPLE, prepareMs, 'START_TIMEOUT'));
    series.start(first.values, ['outputBytes']);
    init.onStart?.();
    const kept = [0, 0];
    const growth = receiveNotes();
    const deadline = performance.now() + timeoutMs + 2 * KILL_GRACE_MS + endSlackMs;
    let end: Buffer | undefined;
    while (end === undefined) {
      const { type, payload } = await next(frames, deadline - performance.now(), 'VMM_SILENT');
      if (type === SAMPLE) {
        const { t, values } = sampleOf(payload);
        series.push(t, values);
        glance(t);
      } else if (type === STDOUT || type === STDERR) {
        const i = type - STDOUT;
        if (payload.length === 0 || (kept[i]! += payload.length) > logBytes) throw misbehaved('a log beyond its limit, or of no bytes');
        init.onLog?.(i === 0 ? 'stdout' : 'stderr', payload);
        await logs[i]!.write(payload);
      } else if (type === NOTE) growth.note(payload);
      else if (type === ENDED) end = payload;
      else throw misbehaved(`frame ${type} while the job runs`);
    }
    const [exitCode, timedOut, memoryKills, cutOut, cutErr, cpuNs, lost, late, ...after] = numbers(end, 11) as [number, number, number, number, number, number, number, number, ...number[]];
    if (!Number.isInteger(exitCode) || exitCode < 0 || exitCode > 255) throw misbehaved('an exit code that is none');

    const outputsEnd = performance.now() + outputsMs + diskBytes / SLOWEST_OUTPUT_BYTES_PER_MS;
    for (let done = false; !done;) {
      const { type, payload } = await next(frames, Math.min(outputSilenceMs, outputsEnd - performance.now()), 'VMM_SILENT');
      if (type === ENTRY) await outputs.entry(payload);
      else if (type === DATA) await outputs.data(payload);
      else if (type === DONE) done = true;
      else throw misbehaved(`frame ${type} among the outputs`);
    }
    const collected = outputs.end();
    const samples = series.length;
    return {
      ...collected, outputNotes: growth.read(),
      notes: [...collected.notes, ...[cutOut, cutErr].flatMap((cut, i) => (cut === 0 ? [] : [`${i === 0 ? 'stdout' : 'stderr'} was cut at ${logBytes} bytes`]))],
      exitCode, timedOut: timedOut !== 0, memoryKills, before, after: space(after), logBytes: kept[0]! + kept[1]!, release: release.slice(0, 100).replaceAll(/[^\x20-\x7e]/g, '?'),
      intervalMs: series.intervalMs, ...series.take(),
      sampling: { cpuNs, samples, lost, jitterP99Ms: late },
    };
  } finally {
    await Promise.all([...logs, outputs].map((one: Pick<FileHandle, 'close'>) => one.close()));
  }
}

type Late = 'START_TIMEOUT' | 'VMM_SILENT';

async function expect(frames: AsyncGenerator<Frame>, wanted: number, timeoutMs: number, late: Late): Promise<Buffer> {
  const { type, payload } = await next(frames, timeoutMs, late);
  if (type !== wanted) throw misbehaved(`frame ${type} instead of ${wanted}`);
  return payload;
}

/** The next frame. What the guest says of its own failure becomes an error here. */
async function next(frames: AsyncGenerator<Frame>, timeoutMs: number, late: Late): Promise<Frame> {
  let timer: NodeJS.Timeout | undefined;
  const timeout = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new ExecutorError(late, 'the guest does not answer', { details: timeoutMs > 0 ? `silent for ${Math.round(timeoutMs)} ms` : 'its time is over' })), Math.max(0, timeoutMs));
  });
  try {
    const { done, value } = await Promise.race([frames.next(), timeout]);
    if (done) throw new ExecutorError('VMM_FAILED', 'the virtual machine ended before its job');
    if (value.type === FAILED) {
      const [why = ''] = decodeStrings(value.payload);
      throw new ExecutorError('START_FAILED', 'the guest could not do its work', { details: why.toString().slice(0, 1000).replaceAll(/[^\x20-\x7e]/g, '?') });
    }
    return value;
  } finally {
    clearTimeout(timer);
  }
}

/** One sample: time in ms since the start mark, then all channels; 64-bit floats. */
function sampleOf(payload: Buffer): { t: number; values: Float64Array } {
  if (payload.length !== 8 * (GUEST_CHANNELS.length + 1)) throw misbehaved('a sample of the wrong length');
  const values = Float64Array.from(GUEST_CHANNELS, (_, i) => payload.readDoubleBE(8 * (i + 1)));
  const t = payload.readDoubleBE(0);
  if (![t, ...values].every((value) => Number.isFinite(value) && value >= 0 && value <= Number.MAX_SAFE_INTEGER)) throw misbehaved('a sample with values that are none');
  return { t, values };
}

/** A list of non-negative numbers in decimal text. */
function numbers(payload: Buffer, count: number): number[] {
  const values = decodeStrings(payload).map((text) => Number(text.toString()));
  if (values.length !== count || !values.every((value) => Number.isFinite(value) && value >= 0)) throw misbehaved('numbers that are none');
  return values;
}

function space([used = 0, free = 0, inodes = 0]: number[]): Space {
  return { used, free, noInodes: inodes === 0 };
}
