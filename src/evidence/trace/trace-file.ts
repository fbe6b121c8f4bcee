import { open, writeFile } from 'node:fs/promises';
import { z } from 'zod';
import { messageOf } from '../../protocol/base/errors.ts';
import { CHANNELS, type ChannelName, type OutputProfile, type Trace } from '../../protocol/trace/trace.ts';
import { MAX_TRACE_FILE_BYTES } from '../constants.ts';
import { EvidenceError } from '../errors.ts';
import { importCsv, type Imported } from '../import/import-csv.ts';
import { importPsrecord, isPsrecord } from '../import/import-psrecord.ts';
import { validateProfile } from '../fingerprint/validate-profile.ts';
import { validateTrace } from './validate-trace.ts';

/** A trace on disk. */
export interface TraceFile {
  trace: Trace;
  profile?: OutputProfile;
  /** What was recorded, for people. */
  label?: string;
  /** What of another tool's file was not used. */
  notes?: string[];
}

const series = z.array(z.number());
const schema = z.strictObject({
  format: z.literal('gadus-trace'),
  version: z.literal(1),
  label: z.string().max(1000).optional(),
  engine: z.string(),
  intervalMs: z.number(),
  units: z.record(z.string(), z.string()).optional(),
  t: series,
  channels: z.record(z.string(), series),
  profile: z.strictObject({ bytes: z.number(), files: z.number(), entropy: series, histogram: series, content: series }).optional(),
});

/**
 * Writes a trace as self-describing JSON, version 1:
 *
 * - `format` "gadus-trace", `version` 1, `label` (optional), `engine`, `intervalMs` (nominal distance of samples)
 * - `units`: the unit of `t` (ms since the start mark) and of each channel
 * - `t` and `channels`: arrays of the same length; counters start at 0
 * - `profile` (optional): `bytes`, `files`, `entropy` (32 segments, bits per byte), `histogram` (32 rows of 16 shares), `content` (64 minima)
 *
 * @throws EvidenceError TRACE_INVALID, PROFILE_INVALID; the file system's error
 */
export async function writeTraceFile(path: string, { trace, profile, label }: TraceFile, { signal }: { signal?: AbortSignal } = {}): Promise<void> {
  validateTrace(trace);
  if (profile !== undefined) validateProfile(profile);
  const channels = Object.entries(trace.channels) as [ChannelName, Float64Array][];
  const file: z.input<typeof schema> = {
    format: 'gadus-trace', version: 1, label, engine: trace.engine, intervalMs: trace.intervalMs,
    units: { t: 'ms', ...Object.fromEntries(channels.map(([name]) => [name, CHANNELS[name].unit])) },
    t: Array.from(trace.t),
    channels: Object.fromEntries(channels.map(([name, values]) => [name, Array.from(values)])),
    profile: profile && { bytes: profile.bytes, files: profile.files, entropy: Array.from(profile.entropy), histogram: Array.from(profile.histogram), content: Array.from(profile.content) },
  };
  await writeFile(path, `${JSON.stringify(file)}\n`, { signal });
}

/**
 * Reads what `writeTraceFile` wrote, or what somebody claims it did; a psrecord log or CSV as well, told by how it begins.
 *
 * @throws EvidenceError TRACE_FILE_INVALID, VERSION_UNKNOWN, TRACE_INVALID, PROFILE_INVALID, EVIDENCE_TOO_LARGE
 */
export async function readTraceFile(path: string, { signal }: { signal?: AbortSignal } = {}): Promise<TraceFile> {
  const text = await readText(path, signal);
  if (!/^\s*\{/.test(text)) return importTable(text, path);
  const value = parse(text, path);
  const claimed = value as { format?: unknown; version?: unknown } | null;
  if (claimed?.format === 'gadus-trace' && claimed.version !== 1) {
    throw new EvidenceError('VERSION_UNKNOWN', 'the trace file is of a version this program does not know', { details: `${path}: version ${JSON.stringify(claimed.version)}`, hint: 'update gadus' });
  }
  const result = schema.safeParse(value);
  if (!result.success) throw invalid(path, result.error.issues.slice(0, 5).map((issue) => `${issue.path.join('.') || 'file'}: ${issue.message}`).join('; '));
  const { engine, intervalMs, t, channels, profile, label, units = {} } = result.data;
  for (const [name, unit] of Object.entries(units)) {
    const known = name === 't' ? 'ms' : (CHANNELS as Partial<Record<string, { unit: string }>>)[name]?.unit;
    if (known !== undefined && known !== unit) throw invalid(path, `${name} is in ${unit.slice(0, 50)}, not ${known}`);
  }
  const trace: Trace = {
    version: 1, engine, intervalMs, t: Float64Array.from(t),
    channels: Object.fromEntries(Object.entries(channels).map(([name, values]) => [name, Float64Array.from(values)])),
  };
  validateTrace(trace);
  if (profile === undefined) return { trace, ...(label === undefined ? {} : { label }) };
  const whole: OutputProfile = {
    version: 1, bytes: profile.bytes, files: profile.files,
    entropy: Float64Array.from(profile.entropy), histogram: Float64Array.from(profile.histogram), content: Uint32Array.from(profile.content),
  };
  validateProfile(whole);
  return { trace, profile: whole, ...(label === undefined ? {} : { label }) };
}

function importTable(text: string, path: string): TraceFile {
  if (text.trim() === '') throw invalid(path, 'it is empty');
  let imported: Imported;
  try {
    imported = isPsrecord(text) ? importPsrecord(text) : importCsv(text);
  } catch (cause) {
    if (!(cause instanceof EvidenceError)) throw cause;
    throw new EvidenceError(cause.code, cause.shortMessage, { details: `${path}: ${cause.details}`, ...(cause.hint === undefined ? {} : { hint: cause.hint }), cause });
  }
  const { trace, notes } = imported;
  return { trace, ...(notes.length === 0 ? {} : { notes }) };
}

async function readText(path: string, signal?: AbortSignal): Promise<string> {
  try {
    const handle = await open(path, 'r');
    try {
      const { size } = await handle.stat();
      if (size > MAX_TRACE_FILE_BYTES) throw new EvidenceError('EVIDENCE_TOO_LARGE', 'the trace file is too large', { details: `${path}: ${size} bytes, at most ${MAX_TRACE_FILE_BYTES}` });
      return await handle.readFile({ encoding: 'utf8', signal });
    } finally {
      await handle.close();
    }
  } catch (cause) {
    if (cause instanceof EvidenceError || signal?.aborted) throw cause;
    throw invalid(path, messageOf(cause), cause);
  }
}

function parse(text: string, path: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw invalid(path, messageOf(cause), cause);
  }
}

function invalid(path: string, details: string, cause?: unknown): EvidenceError {
  return new EvidenceError('TRACE_FILE_INVALID', 'not a trace file', { details: `${path}: ${details}`, cause, hint: 'gadus trace record writes one' });
}
