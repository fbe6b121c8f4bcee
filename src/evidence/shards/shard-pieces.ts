import * as cborg from 'cborg';
import type { Address, Hex } from 'viem';
import { z } from 'zod';
import { sketchRootOf } from '../../protocol/statements/sketch-root.ts';
import type { Evidence } from '../../protocol/trace/trace.ts';
import { zeroHash } from '../../protocol/base/words.ts';
import { decodeEvidence, evidenceDigest } from '../encode-evidence.ts';
import { MAX_SHARDED_EVIDENCE_BYTES, MAX_SHARD_EVIDENCE_BYTES } from '../constants.ts';
import { EvidenceError } from '../errors.ts';
import { requireConsistent } from '../seal/open-sealed.ts';
import { sealEvidence, unsealEvidence, type SealContext, type UnsealInit } from '../seal/seal.ts';
import type { ShardManifest } from './manifest.ts';

/** A shard's evidence as it was committed to, and what of it is needed about all shards at once. */
export interface OpenedShard extends Pick<Evidence, 'sketch' | 'resultCid'> { encoded: Uint8Array }

const schema = z.array(z.instanceof(Uint8Array).refine((b) => b.length <= MAX_SHARD_EVIDENCE_BYTES, `at most ${MAX_SHARD_EVIDENCE_BYTES} bytes`)).min(1);

/** Seals the encoded evidence of some shards, one after the other, to the job's key. @throws EvidenceError SEAL_KEY_INVALID, EVIDENCE_TOO_LARGE */
export function sealPiece(context: SealContext & { sealKey: Hex }, evidence: readonly Uint8Array[]): Promise<Uint8Array> {
  // What is in it is bound by the manifest's digests: no salt of its own.
  return sealEvidence({ ...context, evidence: cborg.encode(evidence), opening: { salt: zeroHash } });
}

/**
 * Opens a piece, and holds each shard's evidence against the manifest: its digest, the job and node it speaks of, its sketch.
 *
 * @param from the piece's first shard
 * @returns by shard from `from` on
 * @throws EvidenceError as `openSealed`; SHARD_FALSE when it is not what the manifest has
 */
export async function openPiece(init: UnsealInit, { shards }: ShardManifest, from: number): Promise<OpenedShard[]> {
  const { evidence } = await unsealEvidence(init);
  let value: unknown;
  try {
    value = cborg.decode(evidence, { strict: true, allowUndefined: false });
  } catch (cause) {
    throw new EvidenceError('EVIDENCE_MALFORMED', 'the bytes are not the evidence of shards', { cause });
  }
  const result = schema.safeParse(value);
  if (!result.success) throw new EvidenceError('EVIDENCE_MALFORMED', 'the bytes are not the evidence of shards', { details: result.error.issues[0]!.message });
  return result.data.map((encoded, i) => {
    const shard = from + i;
    if (shards[shard]?.digest !== evidenceDigest(encoded)) throw falseShard(shard, 'it is not what the node committed to');
    return { encoded, ...checked(encoded, shard, init) };
  });
}

/** Whether the sketches of all shards are those of the manifest's root. @throws EvidenceError SKETCH_MISMATCH */
export function requireRoot({ sketchRoot: root }: ShardManifest, sketches: readonly Hex[]): void {
  const actual = sketchRootOf(sketches);
  if (actual !== root) throw new EvidenceError('SKETCH_MISMATCH', 'the sketches are not under the root that the node committed to', { details: `stated ${root}, recomputed ${actual}` });
}

/** @throws EvidenceError EVIDENCE_TOO_LARGE when the evidence of all shards so far is more than a client takes */
export function requireShardRoom(shard: number, bytes: number, soFar: number): void {
  if (bytes > MAX_SHARD_EVIDENCE_BYTES) throw new EvidenceError('EVIDENCE_TOO_LARGE', `the evidence of shard ${shard} is too large`, { details: `${bytes} bytes, at most ${MAX_SHARD_EVIDENCE_BYTES}` });
  if (soFar + bytes > MAX_SHARDED_EVIDENCE_BYTES) {
    throw new EvidenceError('EVIDENCE_TOO_LARGE', 'the evidence of the job\'s shards is too large', {
      details: `${soFar + bytes} bytes by shard ${shard}, at most ${MAX_SHARDED_EVIDENCE_BYTES}`, hint: 'split the data over several jobs',
    });
  }
}

function checked(encoded: Uint8Array, shard: number, context: { jobId: Hex; node: Address }): Omit<OpenedShard, 'encoded'> {
  const evidence = decodeEvidence(encoded);
  try {
    requireConsistent(evidence, context);
  } catch (error) {
    throw error instanceof EvidenceError ? new EvidenceError(error.code, `shard ${shard}: ${error.shortMessage}`, { ...(error.details === undefined ? {} : { details: error.details }), cause: error }) : error;
  }
  return { sketch: evidence.sketch, resultCid: evidence.resultCid };
}

function falseShard(shard: number, details: string): EvidenceError {
  return new EvidenceError('SHARD_FALSE', `the evidence of shard ${shard} is false`, { details });
}
