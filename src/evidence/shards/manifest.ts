import * as cborg from 'cborg';
import type { Address, Hex } from 'viem';
import { bytesToHex, concat, getAddress, hexToBytes } from 'viem/utils';
import { z } from 'zod';
import { parseCid } from '../../protocol/base/bytes.ts';
import { MAX_SHARDS } from '../../protocol/constants.ts';
import { messageOf } from '../../protocol/base/errors.ts';
import { MAX_MANIFEST_BYTES } from '../constants.ts';
import { EvidenceError } from '../errors.ts';
import { decodeSeries, encodeSeries } from '../trace/series-encoding.ts';

/** What a replica of many shards commits to in the place of one run's evidence: the digests of all shards' evidence. */
export interface ShardManifest {
  version: 1;
  jobId: Hex;
  node: Address;
  /** Of the directory that has a folder for each shard. */
  resultCid: string;
  /** Of the directory that has an encrypted file for each shard, where results are encrypted to the client; `resultCid` is of what is in them. */
  encryptedResultCid?: string;
  /** See `sketchRootOf`. */
  sketchRoot: Hex;
  /** By shard: keccak256 of its encoded evidence, and what its folder weighs, bytes. */
  shards: { digest: Hex; bytes: number }[];
}

const VERSION = 1;
const binary = (length?: number) => z.instanceof(Uint8Array).refine((b) => length === undefined || b.length === length, `must be ${length} bytes`);
const schema = z.strictObject({
  version: z.literal(VERSION), jobId: binary(32), node: binary(20), resultCid: z.string().max(100), encryptedResultCid: z.string().max(100).exactOptional(), sketchRoot: binary(32),
  count: z.number().int().min(1).max(MAX_SHARDS), digests: binary(), bytes: binary(),
});

/** The manifest as deterministic CBOR: what `evidenceDigest` hashes for a job of shards. */
export function encodeManifest({ version, jobId, node, resultCid, encryptedResultCid, sketchRoot, shards }: ShardManifest): Uint8Array {
  return cborg.encode({
    version, jobId: hexToBytes(jobId), node: hexToBytes(node), resultCid, ...(encryptedResultCid !== undefined && { encryptedResultCid }), sketchRoot: hexToBytes(sketchRoot), count: shards.length,
    digests: hexToBytes(concat(shards.map(({ digest }) => digest))), bytes: encodeSeries(Float64Array.from(shards, ({ bytes }) => bytes)),
  });
}

/** Reads a manifest from a stranger. @throws EvidenceError EVIDENCE_MALFORMED, EVIDENCE_TOO_LARGE, VERSION_UNKNOWN */
export function decodeManifest(encoded: Uint8Array): ShardManifest {
  if (encoded.length > MAX_MANIFEST_BYTES) throw new EvidenceError('EVIDENCE_TOO_LARGE', 'the list of shards is too large', { details: `${encoded.length} bytes, at most ${MAX_MANIFEST_BYTES}` });
  let value: unknown;
  try {
    value = cborg.decode(encoded, { strict: true, allowUndefined: false, rejectDuplicateMapKeys: true });
  } catch (cause) {
    throw malformed(messageOf(cause), cause);
  }
  const result = schema.safeParse(value);
  if (!result.success) throw malformed(result.error.issues.slice(0, 5).map(({ path, message }) => `${path.join('.')}: ${message}`).join('; '));
  const { jobId, node, resultCid, encryptedResultCid, sketchRoot, count, digests, bytes } = result.data;
  if (digests.length !== 32 * count) throw malformed(`${digests.length} bytes of digests for ${count} shards`);
  for (const [name, text] of Object.entries({ resultCid, ...(encryptedResultCid !== undefined && { encryptedResultCid }) })) {
    try {
      parseCid(text);
    } catch (cause) {
      throw malformed(`${name}: ${messageOf(cause)}`, cause);
    }
  }
  const sizes = decodeSeries(bytes, count);
  if (!sizes.every((size) => Number.isSafeInteger(size) && size >= 0)) throw malformed('a folder weighs no number of bytes');
  return {
    version: VERSION, jobId: bytesToHex(jobId), node: getAddress(bytesToHex(node)), resultCid, ...(encryptedResultCid !== undefined && { encryptedResultCid }), sketchRoot: bytesToHex(sketchRoot),
    shards: Array.from(sizes, (size, i) => ({ digest: bytesToHex(digests.subarray(32 * i, 32 * (i + 1))), bytes: size })),
  };
}

function malformed(details: string, cause?: unknown): EvidenceError {
  return new EvidenceError('EVIDENCE_MALFORMED', 'the bytes are not a list of shards', { details, cause });
}
