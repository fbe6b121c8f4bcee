import { decodeFirst, encode } from 'cborg';
import { z } from 'zod';
import { bytesToHex, hexToBytes } from 'viem';
import { CONTENT_BINS, PROFILE_BINS, PROFILE_SEGMENTS } from '../../src/evidence/constants.ts';
import { decodeSeries, encodeSeries } from '../../src/evidence/trace/series-encoding.ts';
import { MAX_PATH_BYTES, MAX_WINDOW_FILES } from '../../src/evidence/windows/constants.ts';
import { bytesToWords, wordsToBytes } from '../../src/evidence/trace/word-encoding.ts';
import { validateProfile } from '../../src/evidence/fingerprint/validate-profile.ts';
import { validateTrace } from '../../src/evidence/trace/validate-trace.ts';
import { messageOf, type Trace } from '../../src/protocol/index.ts';
import { LabError } from './errors.ts';
import type { LabRun } from './lab-run.ts';

const text = z.string().max(300);
const count = z.number().int().nonnegative();
const share = z.number().gt(0).max(1);
const binary = (length?: number) => z.instanceof(Uint8Array).refine((bytes) => length === undefined || bytes.length === length, `must be ${length} bytes`);

const schema = z.strictObject({
  version: z.literal(2), id: text, program: text, kind: text, deterministic: z.boolean(),
  input: z.strictObject({ seed: count, bytes: count, fraction: share }),
  work: share,
  condition: z.strictObject({
    cpuPercent: z.number().positive(), neighbours: count, memory: z.enum(['ample', 'tight']), cache: z.enum(['warm', 'cold']), intervalMs: z.number().positive(), engine: text,
  }),
  trace: z.strictObject({ version: z.literal(1), engine: text, intervalMs: z.number(), samples: count, t: binary(), channels: z.record(text, binary()) }),
  profile: z.strictObject({ version: z.literal(1), bytes: count, files: count, entropy: binary(), histogram: binary(), content: binary(4 * CONTENT_BINS) }),
  written: z.strictObject({ states: count, t: binary(), files: z.array(z.tuple([z.string().max(MAX_PATH_BYTES), binary()])).max(MAX_WINDOW_FILES) }).nullable(), words: binary(4 * CONTENT_BINS), loopNs: z.number().nonnegative(),
  resultDigest: binary(32), outputBytes: count, exitCode: count.max(255), recordedAt: text, machine: text,
});

/** A run as CBOR; several, one behind the other, are a CBOR sequence (RFC 8742). */
export function encodeRun(run: LabRun): Uint8Array {
  const { trace, profile, written } = run;
  return encode({
    ...run,
    trace: {
      version: 1, engine: trace.engine, intervalMs: trace.intervalMs, samples: trace.t.length, t: encodeSeries(trace.t),
      channels: Object.fromEntries(Object.entries(trace.channels).map(([name, series]) => [name, encodeSeries(series)])),
    },
    profile: { ...profile, entropy: encodeSeries(profile.entropy), histogram: encodeSeries(profile.histogram), content: wordsToBytes(profile.content) },
    words: wordsToBytes(run.words),
    written: written && { states: written.t.length, t: encodeSeries(written.t), files: written.files.map(({ path, lengths }) => [path, encodeSeries(lengths)]) },
    resultDigest: hexToBytes(run.resultDigest),
  });
}

/** @throws LabError RUNS_MALFORMED; EvidenceError when a trace or a profile cannot be one */
export function* decodeRuns(bytes: Uint8Array, source: string): Iterable<LabRun> {
  for (let rest = bytes; rest.length > 0;) {
    let value: unknown;
    try {
      [value, rest] = decodeFirst(rest, { rejectDuplicateMapKeys: true });
    } catch (cause) {
      throw malformed(source, messageOf(cause), cause);
    }
    const result = schema.safeParse(value);
    if (!result.success) throw malformed(source, result.error.issues.slice(0, 5).map(({ path, message }) => `${path.join('.')}: ${message}`).join('; '));
    yield revive(result.data);
  }
}

function revive({ trace: packed, profile, written, ...run }: z.output<typeof schema>): LabRun {
  const { samples, t, channels, ...head } = packed;
  const trace: Trace = {
    ...head, t: decodeSeries(t, samples),
    channels: Object.fromEntries(Object.entries(channels).map(([name, series]) => [name, decodeSeries(series, samples)])),
  };
  const whole: LabRun = {
    ...run, trace,
    words: bytesToWords(run.words),
    written: written && { t: decodeSeries(written.t, written.states), files: written.files.map(([path, lengths]) => ({ path, lengths: decodeSeries(lengths, written.states) })) },
    resultDigest: bytesToHex(run.resultDigest),
    profile: {
      ...profile, entropy: decodeSeries(profile.entropy, PROFILE_SEGMENTS), histogram: decodeSeries(profile.histogram, PROFILE_SEGMENTS * PROFILE_BINS),
      content: bytesToWords(profile.content),
    },
  };
  validateTrace(trace);
  validateProfile(whole.profile);
  return whole;
}

function malformed(source: string, details: string, cause?: unknown): LabError {
  return new LabError('RUNS_MALFORMED', 'a file of runs is damaged', { details: `${source}: ${details}`, cause });
}
