import * as cborg from 'cborg';
import type { Hex } from 'viem';
import { bytesToHex, getAddress, hexToBytes, keccak256 } from 'viem/utils';
import { z } from 'zod';
import { parseCid } from '../protocol/base/bytes.ts';
import { MAX_NETWORK_ENDPOINTS, MAX_SKETCH_BYTES } from '../protocol/constants.ts';
import { messageOf } from '../protocol/base/errors.ts';
import type { ChannelName, Evidence } from '../protocol/trace/trace.ts';
import { CONTENT_BINS, MAX_EVIDENCE_BYTES, MAX_TRACE_SAMPLES, PROFILE_BINS, PROFILE_SEGMENTS } from './constants.ts';
import { EvidenceError } from './errors.ts';
import { decodeSeries, encodeSeries } from './trace/series-encoding.ts';
import { bytesToWords, wordsToBytes } from './trace/word-encoding.ts';
import { validateProfile } from './fingerprint/validate-profile.ts';
import { validateTrace } from './trace/validate-trace.ts';

const text = z.string().max(300);
const count = z.number().int().nonnegative();
const binary = (length?: number) => z.instanceof(Uint8Array).refine((b) => length === undefined || b.length === length, `must be ${length} bytes`);

const network = z.strictObject({
  allowed: z.array(text).max(MAX_NETWORK_ENDPOINTS),
  used: z.array(z.strictObject({ endpoint: text, connections: count, sentBytes: count, receivedBytes: count })).max(MAX_NETWORK_ENDPOINTS),
  refused: count,
});

/** Version 2 added the root of the windows. */
const VERSION = 2;

const schema = z.strictObject({
  version: z.literal(VERSION),
  jobId: binary(32),
  node: binary(20),
  resultCid: text,
  encryptedResultCid: text.exactOptional(),
  exitCode: z.number().int().min(-1).max(255),
  ended: z.enum(['exit', 'signal', 'timeout', 'memory', 'disk']),
  trace: z.strictObject({
    version: z.literal(1), engine: text, intervalMs: z.number(), samples: count.max(MAX_TRACE_SAMPLES), t: binary(),
    channels: z.record(z.string().max(50), binary()),
  }),
  profile: z.strictObject({ version: z.literal(1), bytes: count, files: count, entropy: binary(), histogram: binary(), content: binary(4 * CONTENT_BINS) }),
  windowRoot: binary(32),
  sketch: binary().refine((b) => b.length <= MAX_SKETCH_BYTES, `at most ${MAX_SKETCH_BYTES} bytes`),
  environment: z.strictObject({ engine: text, runtime: text, kernel: text, cpu: text, cores: count, cgroup: text, gadus: text, network: network.exactOptional() }),
});

/**
 * Evidence as deterministic CBOR (RFC 8949, 4.2: sorted keys, shortest forms): the bytes whose keccak256 the commitment binds. Series
 * are packed by `encodeSeries`, hashes and addresses as bytes.
 *
 * @throws EvidenceError what `decodeEvidence` would throw on the result, so that a node never commits to what a client must refuse
 */
export function encodeEvidence(evidence: Evidence): Uint8Array {
  const { trace, profile } = evidence;
  validateTrace(trace);
  validateProfile(profile);
  const value = {
    ...evidence,
    jobId: hexToBytes(evidence.jobId),
    node: hexToBytes(evidence.node),
    windowRoot: hexToBytes(evidence.windowRoot),
    sketch: hexToBytes(evidence.sketch),
    trace: {
      version: 1, engine: trace.engine, intervalMs: trace.intervalMs, samples: trace.t.length, t: encodeSeries(trace.t),
      channels: Object.fromEntries(Object.entries(trace.channels).map(([name, series]) => [name, encodeSeries(series)])),
    },
    profile: { ...profile, entropy: encodeSeries(profile.entropy), histogram: encodeSeries(profile.histogram), content: wordsToBytes(profile.content) },
  };
  const encoded = cborg.encode(check(value));
  if (encoded.length > MAX_EVIDENCE_BYTES) throw tooLarge(encoded.length);
  return encoded;
}

/**
 * Reads evidence from a stranger; everything is checked: structure, hashes' lengths, series (see `validateTrace`), profile.
 *
 * @returns the evidence; `node` in checksum case, hashes in lower case
 * @throws EvidenceError EVIDENCE_MALFORMED, EVIDENCE_TOO_LARGE, VERSION_UNKNOWN, TRACE_INVALID, PROFILE_INVALID
 */
export function decodeEvidence(bytes: Uint8Array): Evidence {
  if (bytes.length > MAX_EVIDENCE_BYTES) throw tooLarge(bytes.length);
  let value: unknown;
  try {
    value = cborg.decode(bytes, { strict: true, allowUndefined: false, rejectDuplicateMapKeys: true });
  } catch (cause) {
    throw malformed(messageOf(cause), cause);
  }
  const { trace, profile, ...rest } = check(value);
  const evidence: Evidence = {
    ...rest,
    jobId: bytesToHex(rest.jobId),
    node: getAddress(bytesToHex(rest.node)),
    windowRoot: bytesToHex(rest.windowRoot),
    sketch: bytesToHex(rest.sketch),
    trace: {
      version: 1, engine: trace.engine, intervalMs: trace.intervalMs, t: decodeSeries(trace.t, trace.samples),
      channels: Object.fromEntries(Object.entries(trace.channels).map(([name, series]) => [name, decodeSeries(series, trace.samples)])) as
        Partial<Record<ChannelName, Float64Array>>,
    },
    profile: {
      ...profile,
      entropy: decodeSeries(profile.entropy, PROFILE_SEGMENTS),
      histogram: decodeSeries(profile.histogram, PROFILE_SEGMENTS * PROFILE_BINS),
      content: bytesToWords(profile.content),
    },
  };
  validateTrace(evidence.trace);
  validateProfile(evidence.profile);
  return evidence;
}

/** keccak256 of encoded evidence: `evidenceDigest` of an opening. */
export function evidenceDigest(encoded: Uint8Array): Hex {
  return keccak256(encoded);
}

function check(value: unknown): z.output<typeof schema> {
  const version = (value as { version?: unknown } | null)?.version;
  if (typeof version === 'number' && version !== VERSION) {
    throw new EvidenceError('VERSION_UNKNOWN', 'the evidence is of a version this program does not know', { details: String(version), hint: 'update gadus' });
  }
  const result = schema.safeParse(value);
  if (!result.success) throw malformed(result.error.issues.slice(0, 5).map(({ path, message }) => `${path.join('.')}: ${message}`).join('; '));
  for (const name of ['resultCid', 'encryptedResultCid'] as const) {
    try {
      if (name in result.data) parseCid(result.data[name]!);
    } catch (cause) {
      throw malformed(`${name}: ${messageOf(cause)}`, cause);
    }
  }
  return result.data;
}

function malformed(details: string, cause?: unknown): EvidenceError {
  return new EvidenceError('EVIDENCE_MALFORMED', 'the bytes are not evidence', { details, cause });
}

function tooLarge(bytes: number): EvidenceError {
  return new EvidenceError('EVIDENCE_TOO_LARGE', 'the evidence is too large', { details: `${bytes} bytes, at most ${MAX_EVIDENCE_BYTES}` });
}
