import { createHash } from 'node:crypto';
import type { Hex } from 'viem';
import { bytesToHex } from 'viem/utils';
import { ProtocolError } from '../base/errors.ts';
import { parseJobSpec, type JobSpec } from './job-spec.ts';
import { MAX_SPEC_BYTES } from '../constants.ts';

/** JSON with sorted keys and no white space (RFC 8785 for the values a spec can hold: strings, safe integers, short decimals). */
export function canonicalJson(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(',')}]`;
  if (value !== null && typeof value === 'object') {
    const entries = Object.entries(value).filter(([, v]) => v !== undefined).sort(([a], [b]) => (a < b ? -1 : 1));
    return `{${entries.map(([k, v]) => `${JSON.stringify(k)}:${canonicalJson(v)}`).join(',')}}`;
  }
  return JSON.stringify(value);
}

/** The bytes whose SHA-256 digest names the spec on chain. @throws ProtocolError SPEC_INVALID when they exceed 64 KiB */
export function encodeSpec(spec: JobSpec): Uint8Array {
  const bytes = new TextEncoder().encode(canonicalJson(spec));
  if (bytes.length > MAX_SPEC_BYTES) {
    throw new ProtocolError('SPEC_INVALID', 'the job spec is too large', { details: `${bytes.length} bytes, at most ${MAX_SPEC_BYTES}` });
  }
  return bytes;
}

/** Reads spec bytes from a stranger: they must be canonical, so that one spec has one digest. @throws ProtocolError SPEC_INVALID */
export function decodeSpec(bytes: Uint8Array): JobSpec {
  if (bytes.length > MAX_SPEC_BYTES) throw new ProtocolError('SPEC_INVALID', 'the job spec is too large', { details: `${bytes.length} bytes` });
  let text: string;
  let value: unknown;
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
    value = JSON.parse(text);
  } catch (cause) {
    throw new ProtocolError('SPEC_INVALID', 'the job spec is not JSON', { cause });
  }
  const spec = parseJobSpec(value);
  if (canonicalJson(spec) !== text) throw new ProtocolError('SPEC_INVALID', 'the job spec is not in canonical form');
  return spec;
}

/** SHA-256 of the canonical spec; with the raw codec it is also the spec's CID. */
export function specDigest(bytes: Uint8Array): Hex {
  return bytesToHex(createHash('sha256').update(bytes).digest());
}
