import * as cborg from 'cborg';
import type { Hex } from 'viem';
import { bytesToHex, hexToBytes } from 'viem/utils';
import { z } from 'zod';
import { MAX_WINDOW_BYTES } from '../../protocol/constants.ts';
import { messageOf } from '../../protocol/base/errors.ts';
import type { ChannelName } from '../../protocol/trace/trace.ts';
import { EvidenceError } from '../errors.ts';
import { decodeSeries, encodeSeries } from '../trace/series-encoding.ts';
import { MAX_PATH_BYTES, MAX_WINDOW_FILES, WINDOW_SAMPLES } from './constants.ts';

/** A file of the output at the end of a window: bytes written by then, and their SHA-256. */
export interface WrittenFile { path: string; bytes: number; hash: Hex }

/** One window of a run: its samples in full, and what of the output was written by its end. */
export interface WindowLeaf {
  index: number;
  t: Float64Array;
  channels: Partial<Record<ChannelName, Float64Array>>;
  /** In the order of their paths; null where nobody could look while the job ran. */
  written: WrittenFile[] | null;
  /** Files that are not in `written`; only the last window has it. */
  others: { files: number; bytes: number } | null;
}

const binary = (length?: number) => z.instanceof(Uint8Array).refine((bytes) => length === undefined || bytes.length === length, `must be ${length} bytes`);
const count = z.number().int().nonnegative();
const schema = z.strictObject({
  index: count,
  samples: count.min(1).max(WINDOW_SAMPLES),
  t: binary(),
  channels: z.record(z.string().max(50), binary()),
  written: z.array(z.tuple([z.string().max(MAX_PATH_BYTES), count, binary(32)])).max(MAX_WINDOW_FILES).nullable(),
  others: z.strictObject({ files: count, bytes: count }).nullable(),
});

/** A window as deterministic CBOR, series packed by `encodeSeries`: the bytes that the tree's leaf hashes. */
export function encodeLeaf({ index, t, channels, written, others }: WindowLeaf): Uint8Array {
  return cborg.encode({
    index, samples: t.length, t: encodeSeries(t),
    channels: Object.fromEntries(Object.entries(channels).map(([name, series]) => [name, encodeSeries(series)])),
    written: written && written.map(({ path, bytes, hash }) => [path, bytes, hexToBytes(hash)]),
    others,
  });
}

/** Reads a window from a stranger. Its numbers are not held against anything yet: see `checkWindow`. @throws EvidenceError EVIDENCE_MALFORMED, EVIDENCE_TOO_LARGE */
export function decodeLeaf(bytes: Uint8Array): WindowLeaf {
  if (bytes.length > MAX_WINDOW_BYTES) throw new EvidenceError('EVIDENCE_TOO_LARGE', 'a window is too large', { details: `${bytes.length} bytes, at most ${MAX_WINDOW_BYTES}` });
  let value: unknown;
  try {
    value = cborg.decode(bytes, { strict: true, allowUndefined: false, rejectDuplicateMapKeys: true });
  } catch (cause) {
    throw malformed(messageOf(cause), cause);
  }
  const result = schema.safeParse(value);
  if (!result.success) throw malformed(result.error.issues.slice(0, 5).map(({ path, message }) => `${path.join('.')}: ${message}`).join('; '));
  const { samples, t, channels, written, ...rest } = result.data;
  return {
    ...rest,
    t: decodeSeries(t, samples),
    channels: Object.fromEntries(Object.entries(channels).map(([name, series]) => [name, decodeSeries(series, samples)])),
    written: written && written.map(([path, length, hash]) => ({ path, bytes: length, hash: bytesToHex(hash) })),
  };
}

function malformed(details: string, cause?: unknown): EvidenceError {
  return new EvidenceError('EVIDENCE_MALFORMED', 'the bytes are not a window', { details, cause });
}
